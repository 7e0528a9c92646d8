// A connection to a load balancer stays with the node that it entered by, though the route to that address leads to another
// node by now: only that node knows which endpoint it was given. The host marks each connection with its node and routes
// established ones by that mark, each mark with a routing table of its own (the server closes those of dead nodes). Only TCP:
// UDP has no end, and its flows leave an endpoint that is gone.

import { run } from "../../edge/command/mod.ts";
import { ipJson } from "../../edge/netns/mod.ts";
import { ensureRoutes } from "./link-routes.ts";
import type { FamilyPlan } from "./plan.ts";

const markBase = 0x504c0000;
const markMask = "0xffff0000";
/** Before the main table's rule and those that virtual private networks add around it. */
const preference = 30_000;

/** Mark, and number of the routing table, of a cluster's node (from 1 on). */
const markOf = (index: number, node: number): number => markBase | (index << 8) | node;

/** Map and chains for the host's table of that family; nothing for a cluster of one node. */
export function entryRules({ family, ranges, nodes }: FamilyPlan, index: number, bridge: string): string {
  if (nodes.length === 1 || ranges.loadBalancerCIDR === "") return "";
  const address = family === 4 ? "ipv4_addr" : "ipv6_addr";
  const dialled = `${family === 4 ? "ip" : "ip6"} daddr ${ranges.loadBalancerCIDR} meta l4proto tcp`;
  const elements = nodes.map((n, i) => `${n.address} : ${markOf(index, i + 1)}`).join(", ");
  const stay = `${dialled} ct state established ct mark & ${markMask} == ${markBase} meta mark set ct mark`;
  return `
  map entry-nodes {
    type ${address} : mark
    elements = { ${elements} }
  }
  chain entry-output {
    type route hook output priority mangle;
    ${stay}
  }
  chain entry-prerouting {
    type filter hook prerouting priority mangle;
    ${stay}
  }
  chain entry-postrouting {
    type filter hook postrouting priority mangle;
    oifname "${bridge}" ${dialled} ct state new ct mark set rt nexthop map @entry-nodes
  }`;
}

interface Rule {
  fwmark?: string;
}

/** Makes what is not there (any more). */
export async function routeEntries(
  { family, ranges, nodes }: FamilyPlan,
  index: number,
  bridge: string,
): Promise<void> {
  if (nodes.length === 1 || ranges.loadBalancerCIDR === "") return;
  const marks = nodes.map((_, i) => markOf(index, i + 1));
  const everywhere = family === 4 ? "0.0.0.0/0" : "::/0";
  await ensureRoutes(
    family,
    bridge,
    nodes.map((n, i) => ({ to: everywhere, via: n.address, table: marks[i]!, metric: 10 })),
  );
  const rules = await ipJson<Rule[]>([`-${family}`, "rule", "show"]);
  const there = new Set(rules.map((r) => Number(r.fwmark ?? 0)));
  for (const mark of marks)
    if (!there.has(mark))
      await run("ip", [
        ...[`-${family}`, "rule", "add", "fwmark", `${mark}`],
        ...["lookup", `${mark}`, "pref", `${preference}`],
      ]);
}

/** Removes a cluster's rules; the routes have gone with the link. */
export async function removeEntries(index: number): Promise<void> {
  for (const family of ["-4", "-6"]) {
    const rules = await ipJson<Rule[]>([family, "rule", "show"]).catch(() => []);
    const marks = rules.map((r) => Number(r.fwmark ?? 0)).filter((m) => m >> 8 === markOf(index, 0) >> 8);
    for (const m of marks) await run("ip", [family, "rule", "delete", "fwmark", `${m}`]).catch(() => "");
  }
}
