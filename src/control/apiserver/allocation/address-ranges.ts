// Several ranges of cluster IPs as one: the cluster's own and what ServiceCIDR objects add (KEP-1880). Ranges may overlap; an
// address is given out once all the same.
import { type CIDR, mustParseCIDR, parseCIDR, printCIDR, sizeOf } from "../../../core/net/mod.ts";
import { type AddressRange, createAddressRange, outside } from "./address-range.ts";
import type { AllocationMetrics } from "./allocation-metrics.ts";

export interface AddressRanges extends AddressRange {
  /** The ranges beside the cluster's own that are given out from now on; those of the other family are left out. */
  extend(ranges: readonly string[]): void;
}

/** Kubernetes gives nothing out of wider ones. */
const widestIPv6 = 64;

interface Member {
  cidr: CIDR;
  range: AddressRange;
}

/** `tell` hears of every attempt: out of which range, whether the address was named, and whether it was had. */
export function createAddressRanges(
  own: string,
  random: () => number,
  tell: AllocationMetrics["address"] = () => {},
): AddressRanges {
  const first: Member = { cidr: mustParseCIDR(own), range: createAddressRange(own, random) };
  let members = [first];
  /** Every address in use, so that a range that comes later knows them. */
  const used = new Set<string>();

  function hold(address: string): void {
    used.add(address);
    for (const m of members) m.range.hold(address);
  }

  function memberOf(text: string): Member | undefined {
    const cidr = parseCIDR(text);
    if (!cidr || cidr.address.family !== first.cidr.address.family || sizeOf(cidr) < 3n) return undefined;
    if (cidr.address.family === 6 && cidr.bits < widestIPv6) return undefined;
    const known = members.find((m) => printCIDR(m.cidr) === printCIDR(cidr));
    if (known) return known;
    const range = createAddressRange(text, random);
    for (const address of used) range.hold(address);
    return { cidr, range };
  }

  return {
    extend(ranges) {
      const more = ranges.map(memberOf).filter((m) => m !== undefined);
      members = [...new Set([first, ...more])];
    },
    take(address) {
      const member = members.find((m) => m.range.gives(address));
      if (!member) return outside;
      const refused = member.range.take(address);
      tell(printCIDR(member.cidr), "static", refused === undefined);
      if (refused === undefined) hold(address);
      return refused;
    },
    takeAny() {
      let last: ReturnType<AddressRange["takeAny"]> = { refused: "range is full" };
      for (const m of members) {
        last = m.range.takeAny();
        tell(printCIDR(m.cidr), "dynamic", "address" in last);
        if ("refused" in last) continue;
        hold(last.address);
        return last;
      }
      return last;
    },
    hold,
    use: () => members.flatMap((m) => m.range.use()),
    gives: (address) => members.some((m) => m.range.gives(address)),
    release(address) {
      used.delete(address);
      for (const m of members) m.range.release(address);
    },
  };
}
