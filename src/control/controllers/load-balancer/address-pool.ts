// The addresses of the load-balancer range: each has one owner at most, the lowest free one goes first.
import { mustParseCIDR, nthAddress, offsetIn, parseIP, printIP, sizeOf } from "../../../core/net/mod.ts";

export type Taken = { address: string } | { refused: string };

export interface AddressPool {
  /** The owner's own address, or the wanted one, or any. Asking again is answered the same. */
  take(owner: string, wanted?: string): Taken;
  /** Records an address that its owner has already; false where somebody else has it or it is outside the range. */
  hold(owner: string, address: string): boolean;
  /** Frees every address of the owner but those `kept`; true when one was freed. */
  release(owner: string, kept?: readonly string[]): boolean;
}

/** An empty text is a range without addresses. The network's own and the last address are left out of ranges beyond /31. */
export function createAddressPool(range: string): AddressPool {
  const cidr = range === "" ? undefined : mustParseCIDR(range);
  const size = cidr ? Number(sizeOf(cidr)) : 0;
  const edge = size > 2 ? 1 : 0;
  const ownerOf = new Map<string, string>();
  const ownedBy = new Map<string, Set<string>>();

  function inRange(text: string): string | undefined {
    const ip = parseIP(text);
    const at = cidr && ip && offsetIn(cidr, ip);
    if (at === undefined || at < edge || at >= size - edge) return undefined;
    return printIP(ip!);
  }

  function give(owner: string, address: string): Taken {
    ownerOf.set(address, owner);
    const mine = ownedBy.get(owner) ?? new Set();
    ownedBy.set(owner, mine.add(address));
    return { address };
  }

  return {
    take(owner, wanted) {
      if (wanted !== undefined) {
        const address = inRange(wanted);
        if (address === undefined)
          return {
            refused: `the load balancer IP ${wanted} is not in the cluster's load balancer range ${range || "(none)"}`,
          };
        const has = ownerOf.get(address);
        if (has !== undefined && has !== owner)
          return { refused: `the load balancer IP ${address} is in use by another Service` };
        return give(owner, address);
      }
      const mine = ownedBy.get(owner)?.values().next().value;
      if (mine !== undefined) return { address: mine };
      for (let n = edge; n < size - edge; n++) {
        const address = printIP(nthAddress(cidr!, n)!);
        if (!ownerOf.has(address)) return give(owner, address);
      }
      return { refused: `no free address is left in the load balancer range ${range || "(none)"}` };
    },
    hold(owner, text) {
      const address = inRange(text);
      if (address === undefined || (ownerOf.get(address) ?? owner) !== owner) return false;
      give(owner, address);
      return true;
    },
    release(owner, kept) {
      let freed = false;
      const mine = ownedBy.get(owner) ?? new Set();
      for (const address of mine) {
        if (kept?.includes(address)) continue;
        mine.delete(address);
        ownerOf.delete(address);
        freed = true;
      }
      if (mine.size === 0) ownedBy.delete(owner);
      return freed;
    },
  };
}
