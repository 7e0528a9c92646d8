// A cluster's links on the machine: one bridge, a network namespace and a veth pair a node, routes between them and from the
// host, and one nftables table of its own for what leaves the machine.
import { existsSync, statSync } from "node:fs";
import { run } from "../../edge/command/mod.ts";
import { ipBatch, ipJson, setSysctls } from "../../edge/netns/mod.ts";
import { bridgeName, hostTableName, netnsName, nodeLinkName } from "./paths.ts";
import type { Plan, TakenRange } from "./plan.ts";

interface Route {
  dst: string;
  dev?: string;
  gateway?: string;
}

/** The routes of this network namespace that a new cluster must not collide with; Portolan's own bridges left out. */
export async function takenRanges(): Promise<TakenRange[]> {
  const routes = await ipJson<Route[]>(["-4", "route", "show", "table", "all", "type", "unicast"]);
  return routes
    .filter((r) => r.dst !== "default" && !/^ptl\d+$/.test(r.dev ?? ""))
    .map((r) => ({
      range: r.dst.includes("/") ? r.dst : `${r.dst}/32`,
      what: `the route ${r.dst}${r.gateway ? ` via ${r.gateway}` : ""}${r.dev ? ` dev ${r.dev}` : ""}`,
    }));
}

const prefixOf = (cidr: string): string => cidr.slice(cidr.indexOf("/"));

/** An interrupted `ip netns add` leaves a plain file on which nothing is mounted. */
function namespaceExists(netns: string): boolean {
  const file = `/run/netns/${netns}`;
  return existsSync(file) && statSync(file).dev !== statSync("/run/netns").dev;
}

/** Makes what is not there yet; running it again changes nothing. */
export async function createNetwork(plan: Plan): Promise<void> {
  const { cluster, index, gateway, nodes } = plan;
  const bridge = bridgeName(index);
  const links = new Set((await ipJson<{ ifname: string }[]>(["link", "show"])).map((l) => l.ifname));
  const spaces = nodes.map((n, i) => ({
    ...n,
    netns: netnsName(cluster.name, n.name),
    link: nodeLinkName(index, i + 1),
  }));
  const host: string[] = [];
  if (!links.has(bridge)) host.push(`link add ${bridge} type bridge`);
  host.push(`address replace ${gateway}${prefixOf(cluster.nodeCIDR)} dev ${bridge}`, `link set ${bridge} up`);
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
    spaces.map(async (s) => {
      const others = spaces.filter((o) => o !== s);
      await ipBatch(
        [
          "link set lo up",
          `address replace ${s.address}${prefixOf(cluster.nodeCIDR)} dev eth0`,
          "link set eth0 up",
          `route replace default via ${gateway}`,
          ...others.map((o) => `route replace ${o.podCIDR} via ${o.address}`),
        ],
        s.netns,
      );
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
      });
      await openLoopback(s.netns);
    }),
  );
  const first = spaces[0]!.address;
  const there = new Set((await ipJson<Route[]>(["-4", "route", "show", "dev", bridge])).map((r) => r.dst));
  // The server keeps these at a living node: one that is there may lead to another than the first.
  const ranges = [cluster.serviceCIDR, cluster.loadBalancerCIDR].filter((r) => r !== "" && !there.has(r));
  await ipBatch([
    ...spaces.map((s) => `route replace ${s.podCIDR} via ${s.address} dev ${bridge}`),
    ...ranges.map((r) => `route replace ${r} via ${first} dev ${bridge}`),
  ]);
  await allowEgress(plan);
}

/**
 * Lets a node's own processes reach host ports by 127.0.0.1: the kernel forwards from loopback only where it would let
 * loopback addresses in from the network too, so those are dropped first. A node's loopback stays its own.
 */
async function openLoopback(netns: string): Promise<void> {
  await run("nsenter", [`--net=/run/netns/${netns}`, "nft", "-f", "-"], {
    input: `
table ip portolan-loopback {}
delete table ip portolan-loopback
table ip portolan-loopback {
  chain prerouting {
    type filter hook prerouting priority raw;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
    iifname != "lo" ip saddr 127.0.0.0/8 drop
  }
}
`,
  });
  await setSysctls(netns, { "net/ipv4/conf/all/route_localnet": "1" });
}

/**
 * Lets pods out where the machine has a way out: their addresses mean nothing beyond it, so what leaves through another
 * interface is masqueraded. What the machine has no route for is refused at once, in words that end a lookup too (a UDP
 * socket hears of nothing softer): a machine that does not forward would drop it, and pods would wait for their time-outs.
 */
async function allowEgress({ cluster, index }: Plan): Promise<void> {
  const defaults = await ipJson<unknown[]>(["-4", "route", "show", "default"]);
  const table = hostTableName(cluster.name);
  const bridge = bridgeName(index);
  const out =
    defaults.length === 0
      ? ""
      : `
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr { ${cluster.nodeCIDR}, ${cluster.podCIDR} } oifname != "${bridge}" masquerade
  }`;
  await run("nft", ["-f", "-"], {
    input: `
table ip ${table} {}
delete table ip ${table}
table ip ${table} {${out}
  chain prerouting {
    type filter hook prerouting priority filter;
    iifname "${bridge}" fib daddr type unicast fib daddr oif missing reject with icmp type admin-prohibited
  }
}
`,
  });
  if (defaults.length > 0) await run("sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
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
    quiet("nft", ["delete", "table", "ip", hostTableName(name)]),
    ...links.map((link) => quiet("ip", ["link", "delete", link])),
    ...(index === undefined ? [] : [quiet("ip", ["link", "delete", bridgeName(index)])]),
    ...netns.map((n) => quiet("ip", ["netns", "delete", n])),
  ]);
}
