// The cluster IPs: a range without its first and last address, every address given out once.
import {
  mustParseCIDR,
  nthAddress,
  offsetIn,
  parseIP,
  printCIDR,
  printIP,
  sizeOf,
} from "../../../core/net/mod.ts";
import { createNumberPool, staticBand } from "./number-pool.ts";

/** A refusal is text: what Kubernetes says of it. */
export interface AddressRange {
  take(address: string): string | undefined;
  takeAny(): { address: string } | { refused: string };
  /** Marks an address that is in use already; what is not in the range is none of ours. */
  hold(address: string): void;
  release(address: string): void;
}

/** Larger ranges are used only as far as this. */
const maxSize = 1n << 20n;

export function createAddressRange(text: string, random: () => number): AddressRange {
  const cidr = mustParseCIDR(text);
  const whole = sizeOf(cidr);
  const size = Number(whole > maxSize ? maxSize : whole) - 2;
  if (size < 1) throw new Error(`the service range ${text} has no usable address`);
  const pool = createNumberPool(size, staticBand(size + 2, { min: 16, max: 256, step: 16 }));

  /** Position in the pool: the network's own address has none. */
  function position(address: string): number | undefined {
    const ip = parseIP(address);
    const offset = ip && offsetIn(cidr, ip);
    if (offset === undefined || offset < 1n || offset > BigInt(size)) return undefined;
    return Number(offset) - 1;
  }

  return {
    take(address) {
      const n = position(address);
      if (n === undefined)
        return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${printCIDR(cidr)}`;
      return pool.take(n) ? undefined : "provided IP is already allocated";
    },
    takeAny() {
      const n = pool.takeAny(random);
      return n === undefined ? { refused: "range is full" } : { address: printIP(nthAddress(cidr, n + 1)!) };
    },
    hold(address) {
      const n = position(address);
      if (n !== undefined) pool.take(n);
    },
    release(address) {
      const n = position(address);
      if (n !== undefined) pool.release(n);
    },
  };
}
