// loadBalancerSourceRanges as elements of an interval set: canonical, none inside another (the kernel refuses overlaps).
import { contains, masked, mustParseIP, parseCIDR, printCIDR, printIP } from "../net/mod.ts";
import type { NodeFacts } from "./facts.ts";

/**
 * The ranges of that family as nft lists them. Undefined when there is nothing to guard: no range of this family was given, or
 * one lets everybody in. Ranges of the other family alone leave this one open, as kube-proxy does.
 */
export function guardRanges(
  ranges: readonly string[] | undefined,
  family: NodeFacts["family"],
): string[] | undefined {
  const wanted = family === "ip" ? 4 : 6;
  const cidrs = (ranges ?? [])
    .map((r) => parseCIDR(r.trim()))
    .filter((c) => c !== undefined)
    .filter((c) => c.address.family === wanted)
    .map(masked)
    .sort((a, b) => a.bits - b.bits);
  if (cidrs.length === 0 || cidrs.some((c) => c.bits === 0)) return undefined;
  const outer: typeof cidrs = [];
  for (const c of cidrs) if (!outer.some((o) => contains(o, c.address))) outer.push(c);
  const whole = wanted === 4 ? 32 : 128;
  return outer.map((c) => (c.bits === whole ? printIP(c.address) : printCIDR(c)));
}

/**
 * A load balancer's ranges with its own addresses among them where they let the node in: a node that has such an address
 * itself dials it from there (as kube-proxy).
 */
export function loadBalancerRanges(
  ranges: readonly string[],
  addresses: readonly string[],
  { family, nodeAddresses }: NodeFacts,
): readonly string[] {
  const cidrs = ranges.map((r) => parseCIDR(r.trim())).filter((c) => c !== undefined);
  const nodes = nodeAddresses.map(mustParseIP);
  if (!cidrs.some((c) => nodes.some((n) => contains(c, n)))) return ranges;
  return [...ranges, ...addresses.map((a) => `${a}/${family === "ip" ? 32 : 128}`)];
}
