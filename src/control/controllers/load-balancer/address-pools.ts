// The load-balancer ranges of a cluster's families as one: a Service has an address of each family that is its own.
import { familyOf, type IPFamily } from "../../../core/net/mod.ts";
import { type AddressPool, createAddressPool } from "./address-pool.ts";

export type PoolsTaken = { addresses: string[] } | { refused: string };

export interface AddressPools {
  /**
   * An address for each of the families, in their order; `wanted` is one of them. All or none are given, but what could be had
   * stays the owner's, who asks again. Families without a range are passed over as long as another one has one.
   */
  take(owner: string, families: readonly IPFamily[], wanted?: string): PoolsTaken;
  hold(owner: string, address: string): boolean;
  release(owner: string, kept?: readonly string[]): boolean;
}

/** `ranges`: CIDR text by family; an empty one is a family without load balancers. */
export function createAddressPools(ranges: ReadonlyMap<IPFamily, string>): AddressPools {
  const pools = new Map<IPFamily, AddressPool>();
  for (const [family, range] of ranges) if (range !== "") pools.set(family, createAddressPool(range));
  const refusal = (wanted: string, families: readonly IPFamily[]): string | undefined => {
    const family = familyOf(wanted);
    return families.includes(family)
      ? undefined
      : `the load balancer IP ${wanted} is ${family}, the Service is ${families.join(" and ")}`;
  };

  return {
    take(owner, families, wanted) {
      const refused = wanted === undefined ? undefined : refusal(wanted, families);
      if (refused !== undefined) return { refused };
      const able = families.filter((f) => pools.has(f));
      if (able.length === 0)
        return { refused: `the cluster has no load balancer range of ${families.join(" or ")}` };
      const addresses: string[] = [];
      for (const family of able) {
        const own = wanted !== undefined && familyOf(wanted) === family ? wanted : undefined;
        const taken = pools.get(family)!.take(owner, own);
        if ("refused" in taken) return taken;
        addresses.push(taken.address);
      }
      return { addresses };
    },
    hold: (owner, address) => pools.get(familyOf(address))?.hold(owner, address) ?? false,
    release(owner, kept) {
      let freed = false;
      for (const pool of pools.values()) freed = pool.release(owner, kept) || freed;
      return freed;
    },
  };
}
