// A cluster's links on the machine: one bridge, a network namespace and a veth pair a node, routes between them and from the
// host, and one nftables table of its own for what leaves the machine.
import { existsSync, readFileSync, statSync } from "node:fs";
import { loopbackGuard } from "../../core/network/mod.ts";
import { printTable } from "../../core/nft/mod.ts";
import { run } from "../../edge/command/mod.ts";
import { ipBatch, ipJson, setSysctls } from "../../edge/netns/mod.ts";
import { removeEntries } from "./entry-nodes.ts";
import { makeHostTable } from "./host-table.ts";
import { ensureHostRoutes } from "./keep-host.ts";
import { spreadByPort } from "./multipath-hash.ts";
import { bridgeName, hostTableName, netnsName, nodeLinkName } from "./paths.ts";
import { type FamilyPlan, familyPlans, nodeUplink, type Plan, type TakenRange } from "./plan.ts";

interface Route {
  dst: string;
  dev?: string;
  gateway?: string;
  nexthops?: { dev?: string }[];
}

/**
 * Numbers of the clusters that have a bridge in this network namespace, of whatever state directory. Not by /sys, which may be
 * mounted for another one.
 */
export const bridgeIndexes = (): number[] =>
  [...readFileSync("/proc/self/net/dev", "utf8").matchAll(/^\s*ptl(\d+):/gm)].map((m) => Number(m[1]));

/** The routes of this network namespace that a new cluster must not collide with, those by the named links left out. */
export async function takenRanges(
  families: readonly (4 | 6)[],
  ownLinks: ReadonlySet<string>,
): Promise<TakenRange[]> {
  const lists = await Promise.all(
    families.map((f) => ipJson<Route[]>([`-${f}`, "route", "show", "table", "all", "type", "unicast"])),
  );
  return lists.flatMap((routes, i) =>
    routes
      .filter((r) => r.dst !== "default" && !(r.nexthops ?? [r]).every((hop) => ownLinks.has(hop.dev ?? "")))
      .map((r) => ({
        range: r.dst.includes("/") ? r.dst : `${r.dst}/${families[i] === 4 ? 32 : 128}`,
        what: `the route ${r.dst}${r.gateway ? ` via ${r.gateway}` : ""}${r.dev ? ` dev ${r.dev}` : ""}`,
      })),
  );
}

const prefixOf = (cidr: string): string => cidr.slice(cidr.indexOf("/"));

/** An interrupted `ip netns add` leaves a plain file on which nothing is mounted. */
function namespaceExists(netns: string): boolean {
  const file = `/run/netns/${netns}`;
  return existsSync(file) && statSync(file).dev !== statSync("/run/netns").dev;
}

/** On a link of our own nobody else has our addresses (nor tells us routes): they are usable at once. */
const ownLink = { accept_dad: "0", accept_ra: "0", accept_redirects: "0", disable_ipv6: "0" };

function ipv6Sysctls(link: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([k, v]) => [`net/ipv6/conf/${link}/${k}`, v]));
}

/** `nodad`: the address is not looked for on the link before it is used. */
const addressOn = (family: FamilyPlan, address: string, link: string): string =>
  `address replace ${address}${prefixOf(family.ranges.nodeCIDR)} dev ${link}${family.family === 6 ? " nodad" : ""}`;

/** Makes what is not there yet; running it again changes nothing. */
export async function createNetwork(plan: Plan): Promise<void> {
  const { cluster, index, nodes } = plan;
  const families = familyPlans(plan);
  const withIPv6 = families.some((f) => f.family === 6);
  const bridge = bridgeName(index);
  const links = new Set((await ipJson<{ ifname: string }[]>(["link", "show"])).map((l) => l.ifname));
  const spaces = nodes.map((n, i) => ({
    name: n.name,
    netns: netnsName(cluster.name, n.name),
    link: nodeLinkName(index, i + 1),
  }));
  if (withIPv6) {
    if (!links.has(bridge)) await ipBatch([`link add ${bridge} type bridge mcast_snooping 0`]);
    links.add(bridge);
    await setSysctls(undefined, ipv6Sysctls(bridge, ownLink));
  }
  const host: string[] = [];
  if (!links.has(bridge)) host.push(`link add ${bridge} type bridge`);
  host.push(...families.map((f) => addressOn(f, f.gateway, bridge)), `link set ${bridge} up`);
  for (const s of spaces) {
    if (!namespaceExists(s.netns)) {
      if (existsSync(`/run/netns/${s.netns}`)) host.push(`netns delete ${s.netns}`);
      if (links.has(s.link)) host.push(`link delete ${s.link}`);
      host.push(`netns add ${s.netns}`);
    } else if (links.has(s.link)) continue;
    host.push(
      `link add ${s.link} type veth peer name eth0 netns ${s.netns}`,
      `link set ${s.link} master ${bridge} up`,
    );
  }
  await ipBatch(host);
  await Promise.all(
    spaces.map(async (s, i) => {
      await setSysctls(s.netns, {
        "net/ipv4/ip_forward": "1",
        // As kube-proxy sets them.
        "net/netfilter/nf_conntrack_tcp_timeout_established": "86400",
        "net/netfilter/nf_conntrack_tcp_timeout_close_wait": "3600",
        "net/ipv6/conf/all/forwarding": "1",
        // A pod that reaches itself through its Service would be redirected, and redirects use up the ICMP budget that
        // refusals need.
        "net/ipv4/conf/all/send_redirects": "0",
        "net/ipv4/conf/default/send_redirects": "0",
        "net/ipv4/conf/eth0/send_redirects": "0",
        "net/ipv4/conf/all/rp_filter": "0",
        "net/ipv4/conf/default/rp_filter": "0",
        "net/ipv4/conf/eth0/rp_filter": "0",
        ...(withIPv6
          ? {
              // IPv6 has no send_redirects: without a limit to each client, redirects take nothing from refusals.
              "net/ipv6/icmp/ratelimit": "0",
              ...ipv6Sysctls("all", ownLink),
              ...ipv6Sysctls("default", ownLink),
              ...ipv6Sysctls("eth0", ownLink),
            }
          : {}),
      });
      await ipBatch(
        [
          "link set lo up",
          ...families.map((f) => addressOn(f, f.nodes[i]!.address, "eth0")),
          "link set eth0 up",
          ...families.flatMap((f) =>
            nodeUplink(f, s.name).routes.map(({ to, via }) => `route replace ${to} via ${via}`),
          ),
        ],
        s.netns,
      );
      await openLoopback(s.netns);
    }),
  );
  if (nodes.length > 1)
    spreadByPort(
      cluster.name,
      families.map((f) => f.family),
    );
  for (const f of families) {
    await routeRanges(f, bridge);
    await ensureHostRoutes(f, index, bridge);
    await makeHostTable(f, plan);
  }
}

/** The service ranges, at first by the first node: the server moves them to one that lives. */
async function routeRanges({ family, ranges, nodes }: FamilyPlan, bridge: string): Promise<void> {
  const routes = await ipJson<Route[]>([`-${family}`, "route", "show", "dev", bridge]);
  const there = new Set(routes.map((r) => r.dst));
  const whole = [ranges.serviceCIDR, ranges.loadBalancerCIDR].filter((r) => r !== "" && !there.has(r));
  await ipBatch(whole.map((r) => `route replace ${r} via ${nodes[0]!.address} dev ${bridge}`));
}

/**
 * Lets a node's own processes reach host ports by 127.0.0.1: the kernel forwards from loopback only where it would let
 * loopback addresses in from the network too, so those are dropped first. A node's loopback stays its own.
 */
async function openLoopback(netns: string): Promise<void> {
  await run("nsenter", [`--net=/run/netns/${netns}`, "nft", "-f", "-"], {
    input: printTable(loopbackGuard),
  });
  await setSysctls(netns, { "net/ipv4/conf/all/route_localnet": "1" });
}

/** Takes away everything that createNetwork makes; what is gone already is no error. */
export async function removeNetwork(
  name: string,
  index: number | undefined,
  nodes: readonly string[],
): Promise<void> {
  const quiet = async (command: string, args: string[]): Promise<void> => {
    await run(command, args).catch(() => "");
  };
  const netns = nodes.map((n) => netnsName(name, n)).filter((n) => existsSync(`/run/netns/${n}`));
  // The kernel takes a deleted namespace apart when it finds the time; a link's end outside would stay until then.
  const links =
    index === undefined ? [] : nodes.map((n) => nodeLinkName(index, Number(n.slice("node-".length))));
  await Promise.all([
    ...["ip", "ip6"].map((family) => quiet("nft", ["delete", "table", family, hostTableName(name)])),
    ...links.map((link) => quiet("ip", ["link", "delete", link])),
    ...(index === undefined ? [] : [quiet("ip", ["link", "delete", bridgeName(index)])]),
    ...netns.map((n) => quiet("ip", ["netns", "delete", n])),
    ...(index === undefined ? [] : [removeEntries(index)]),
  ]);
}
