// The host's table of a cluster, one a family: connections stay with the node that they entered by (entry-nodes.ts), and pods get
// out of the machine.
import { run } from "../../edge/command/mod.ts";
import { ipJson } from "../../edge/netns/mod.ts";
import { entryRules } from "./entry-nodes.ts";
import { bridgeName, hostTableName } from "./paths.ts";
import type { FamilyPlan, Plan } from "./plan.ts";

/** Whether the machine has a way out in that family now. */
export const hasWayOut = async (family: 4 | 6): Promise<boolean> =>
  (await ipJson<unknown[]>([`-${family}`, "route", "show", "default"])).length > 0;

/**
 * Lets pods out where the machine has a way out: their addresses mean nothing beyond it, so what leaves through another
 * interface is masqueraded. What the machine has no route for is refused at once, in words that end a lookup too (a UDP
 * socket hears of nothing softer): a machine that does not forward would drop it, and pods would wait for their time-outs.
 * The text is a transaction that replaces the table.
 */
export function renderHostTable(of: FamilyPlan, { cluster, index }: Plan, wayOut: boolean): string {
  const { family, ranges } = of;
  const bridge = bridgeName(index);
  const table = `${family === 4 ? "ip" : "ip6"} ${hostTableName(cluster.name)}`;
  const source = family === 4 ? "ip saddr" : "ip6 saddr";
  const out = wayOut
    ? `
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ${source} { ${ranges.nodeCIDR}, ${ranges.podCIDR} } oifname != "${bridge}" masquerade
  }`
    : "";
  // What has no route is of type unicast in IPv4 and unreachable in IPv6. Link-local destinations are the link's own business:
  // neighbours ask for one another there. A connection of IPv6 hears of an ICMP message that comes while it is being made
  // only when it tries again, a second later: resets it hears at once.
  const lost = `iifname "${bridge}" fib daddr oif missing`;
  const refusals =
    family === 4
      ? [`${lost} fib daddr type unicast reject with icmp type admin-prohibited`]
      : ["meta l4proto tcp reject with tcp reset", "reject with icmpv6 type admin-prohibited"].map(
          (verdict) => `${lost} ip6 daddr != fe80::/10 fib daddr type { unicast, unreachable } ${verdict}`,
        );
  return `
table ${table} {}
delete table ${table}
table ${table} {${entryRules(of, index, bridge)}${out}
  chain prerouting {
    type filter hook prerouting priority filter;
    ${refusals.join("\n    ")}
  }
}
`;
}

/** Loads the table as the machine's routes ask for it. */
export async function makeHostTable(of: FamilyPlan, plan: Plan): Promise<void> {
  const wayOut = await hasWayOut(of.family);
  await run("nft", ["-f", "-"], { input: renderHostTable(of, plan, wayOut) });
  if (wayOut) await forward(of.family);
}

export async function forward(family: 4 | 6): Promise<void> {
  if (family === 4) await run("sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
  else await forwardIPv6();
}

/**
 * A machine that forwards IPv6 no longer listens to its own routers, and forgets the default route it has of them, unless it
 * is told to listen all the same (accept_ra 2, Linux' ip-sysctl). Only the links that are there: later ones may be anybody's.
 */
async function forwardIPv6(): Promise<void> {
  const script = `
[ "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" = 0 ] || exit 0
for link in /proc/sys/net/ipv6/conf/*; do
  case "$link" in */all|*/default) continue ;; esac
  [ "$(cat "$link/accept_ra")" != 1 ] || echo 2 > "$link/accept_ra"
done
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding`;
  await run("sh", ["-e", "-c", script]);
}
