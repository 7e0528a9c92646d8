// The cluster IPs: a range without its first address, every address given out once. The last one is left out for IPv4 only,
// where it would be a broadcast address (kubernetes pkg/registry/core/service/ipallocator).
import {
  mustParseCIDR,
  nthAddress,
  offsetIn,
  parseIP,
  printCIDR,
  printIP,
  sizeOf,
} from "../../../core/net/mod.ts";
import type { RangeUse } from "./allocation-metrics.ts";
import { createNumberPool, staticBand } from "./number-pool.ts";
import { createSparsePool, type SparsePool } from "./sparse-pool.ts";

/** A refusal is text: what Kubernetes says of it. */
export interface AddressRange {
  take(address: string): string | undefined;
  takeAny(): { address: string } | { refused: string };
  /** Marks an address that is in use already; what is not in the range is none of ours. */
  hold(address: string): void;
  release(address: string): void;
  /** Whether the address is one that the range gives out, free or not. */
  gives(address: string): boolean;
  use(): RangeUse[];
}

/** What Kubernetes says of an address that no range gives out. */
export const outside = "the provided network does not match the current range";

/** Of larger ranges only what is in use is kept. */
const denseSize = 1n << 20n;

function poolOf(size: bigint, band: number): SparsePool {
  if (size > denseSize) return createSparsePool(size, BigInt(band));
  const dense = createNumberPool(Number(size), band);
  return {
    take: (n) => dense.take(Number(n)),
    takeAny(random) {
      const n = dense.takeAny(random);
      return n === undefined ? undefined : BigInt(n);
    },
    release: (n) => dense.release(Number(n)),
    get held() {
      return Number(size) - dense.free;
    },
  };
}

export function createAddressRange(text: string, random: () => number): AddressRange {
  const cidr = mustParseCIDR(text);
  const whole = sizeOf(cidr);
  const size = whole - (cidr.address.family === 4 ? 2n : 1n);
  if (size < 1n) throw new Error(`the service range ${text} has no usable address`);
  const widest = 1n << 32n;
  const pool = poolOf(
    size,
    staticBand(Number(whole < widest ? whole : widest), { min: 16, max: 256, step: 16 }),
  );

  /** Position in the pool: the network's own address has none. */
  function position(address: string): bigint | undefined {
    const ip = parseIP(address);
    const offset = ip && offsetIn(cidr, ip);
    return offset === undefined || offset < 1n || offset > size ? undefined : offset - 1n;
  }

  return {
    take(address) {
      const n = position(address);
      if (n === undefined) return outside;
      return pool.take(n) ? undefined : "provided IP is already allocated";
    },
    takeAny() {
      const n = pool.takeAny(random);
      return n === undefined ? { refused: "range is full" } : { address: printIP(nthAddress(cidr, n + 1n)!) };
    },
    hold(address) {
      const n = position(address);
      if (n !== undefined) pool.take(n);
    },
    release(address) {
      const n = position(address);
      if (n !== undefined) pool.release(n);
    },
    gives: (address) => position(address) !== undefined,
    use: () => [{ cidr: printCIDR(cidr), allocated: pool.held, available: Number(size - BigInt(pool.held)) }],
  };
}
