// loadBalancerSourceRanges as elements of an interval set: canonical, none inside another (the kernel refuses overlaps).
import { contains, masked, parseCIDR, printCIDR, printIP } from "../net/mod.ts";
import type { NodeFacts } from "./facts.ts";

/**
 * The ranges of that family as nft lists them. Undefined when there is nothing to guard: no range at all was given, or one
 * lets everybody in. Ranges of the other family alone guard against everybody of this one: the field restricts traffic to the
 * ranges that it names. (kube-proxy leaves such a family open.)
 */
export function guardRanges(
  ranges: readonly string[] | undefined,
  family: NodeFacts["family"],
): string[] | undefined {
  if (!ranges || ranges.length === 0) return undefined;
  const wanted = family === "ip" ? 4 : 6;
  const cidrs = ranges
    .map((r) => parseCIDR(r.trim()))
    .filter((c) => c !== undefined)
    .filter((c) => c.address.family === wanted)
    .map(masked)
    .sort((a, b) => a.bits - b.bits);
  if (cidrs.some((c) => c.bits === 0)) return undefined;
  const outer: typeof cidrs = [];
  for (const c of cidrs) if (!outer.some((o) => contains(o, c.address))) outer.push(c);
  const whole = wanted === 4 ? 32 : 128;
  return outer.map((c) => (c.bits === whole ? printIP(c.address) : printCIDR(c)));
}
