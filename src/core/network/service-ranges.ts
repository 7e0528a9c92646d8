// The ranges that cluster IPs are of: the cluster's own and those of ServiceCIDR objects, none inside another (the kernel's
// interval sets refuse overlaps).
import type { ServiceCIDR } from "../api/types.ts";
import { contains, mustParseCIDR, overlaps, parseCIDR, printCIDR } from "../net/mod.ts";

export interface ServiceRangesInput {
  /** The cluster's own range; its family is the family asked for. */
  own: string;
  objects: readonly ServiceCIDR[];
  /** Ranges that are somebody else's; a ServiceCIDR that overlaps one is left out, as its rules would cut them off. */
  others: readonly string[];
}

/** A wider range than this is a slip of the pen that would swallow the machine's own network. */
const widest = 8;

/** Widest first. A range that is being deleted counts until it is gone: Services may still have addresses of it. */
export function serviceRanges({ own, objects, others }: ServiceRangesInput): string[] {
  const first = mustParseCIDR(own);
  const { family } = first.address;
  const taken = others.map(parseCIDR).filter((c) => c !== undefined);
  const more = objects
    .flatMap((o) => o.spec?.cidrs ?? [])
    .map(parseCIDR)
    .filter((c) => c !== undefined)
    .filter((c) => c.address.family === family && c.bits >= widest && c.bits < (family === 4 ? 32 : 128))
    .filter((c) => !taken.some((t) => overlaps(t, c)));
  const sorted = [first, ...more].sort((a, b) => a.bits - b.bits);
  const outer: typeof sorted = [];
  for (const c of sorted) if (!outer.some((o) => contains(o, c.address))) outer.push(c);
  return outer.map(printCIDR);
}
