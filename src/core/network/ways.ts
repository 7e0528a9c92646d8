// Ways of balancing: a chain or two each, shared by all groups of the same endpoint count and affinity. A way's class is part of
// the words that lead to it; when classes have run out, a way has none, and each group that needs it names it in `ways`. Ways
// that nobody uses stay for a while, since counts come back, and go when there are many.
import type { Family, NftChain } from "../nft/mod.ts";
import type { Claims } from "./claims.ts";
import {
  type Balance,
  balanceChain,
  chainsFor,
  classes,
  classShift,
  firstClass,
  hex,
  maxClass,
  parseBalanceChain,
} from "./layout.ts";

export interface Way {
  readonly name: string;
  readonly chains: readonly NftChain[];
  /** Undefined: groups lead to it by name. */
  readonly class: number | undefined;
}

export interface Ways {
  /** The way to balance so, with one user more; makes it where it is new. */
  use(b: Balance): Way;
  /** One user less. */
  release(way: Way): void;
  /** Removes what has been idle longest, and says which chains came and went since it was last asked; ended ones in an order to be removed in. */
  take(): { chains: NftChain[]; oldChains: string[] };
  /** Everything that there is now is in the kernel. */
  settle(): void;
  /** Chains of all ways, in an order to be made in. */
  chains(): Iterable<NftChain>;
}

export interface WayLimits {
  /** Classes at the most, those that every table has among them. */
  readonly classes: number;
  /** Ways without a user that stay. */
  readonly idle: number;
}

export const defaultLimits: WayLimits = { classes: maxClass + 1, idle: 64 };

/** @param adopted names of ways that a table has already, each with its class */
export function createWays(
  family: Family,
  claims: Claims,
  {
    adopted,
    limits = defaultLimits,
  }: { adopted?: ReadonlyMap<string, number | undefined> | undefined; limits?: WayLimits },
): Ways {
  const known = new Map<string, { way: Way; users: number }>();
  /** Ways without a user, the longest idle first. */
  const idle = new Set<string>();
  /** By chain, how many ways have it. */
  const owners = new Map<string, number>();
  const usedClasses = new Set<number>(Object.values(classes));
  const freeClasses: number[] = [];
  let nextClass = firstClass;
  let newChains: NftChain[] = [];

  function newClass(): number | undefined {
    const free = freeClasses.pop();
    if (free !== undefined) return free;
    while (usedClasses.has(nextClass)) nextClass++;
    return nextClass < limits.classes ? nextClass : undefined;
  }

  const classClaim = (name: string, index: number) => ({
    set: "classes",
    key: hex(index << classShift),
    data: `goto ${name}`,
  });

  function make(name: string, b: Balance, index: number | undefined): void {
    const chains = chainsFor(family, b);
    for (const c of chains) {
      const before = owners.get(c.name) ?? 0;
      owners.set(c.name, before + 1);
      if (before === 0) newChains.push(c);
    }
    if (index !== undefined) {
      usedClasses.add(index);
      claims.add("", classClaim(name, index));
    }
    known.set(name, { way: { name, chains, class: index }, users: 0 });
    idle.add(name);
  }

  function drop({ name, chains, class: index }: Way): string[] {
    known.delete(name);
    idle.delete(name);
    if (index !== undefined) {
      usedClasses.delete(index);
      freeClasses.push(index);
      claims.replace("", [classClaim(name, index)], []);
    }
    const gone: string[] = [];
    for (const c of chains.toReversed()) {
      const left = owners.get(c.name)! - 1;
      if (left > 0) owners.set(c.name, left);
      else {
        owners.delete(c.name);
        gone.push(c.name);
      }
    }
    return gone;
  }

  for (const [name, index] of adopted ?? []) {
    const b = parseBalanceChain(name);
    if (b && name === balanceChain(b) && (index === undefined || !usedClasses.has(index)))
      make(name, b, index);
  }

  return {
    use(b) {
      const name = balanceChain(b);
      if (!known.has(name)) make(name, b, newClass());
      const entry = known.get(name)!;
      entry.users++;
      idle.delete(name);
      return entry.way;
    },
    release({ name }) {
      const entry = known.get(name)!;
      entry.users--;
      if (entry.users === 0) idle.add(name);
    },
    take() {
      const oldChains: string[] = [];
      for (const name of idle) {
        if (idle.size <= limits.idle) break;
        oldChains.push(...drop(known.get(name)!.way));
      }
      const chains = newChains;
      newChains = [];
      return { chains, oldChains };
    },
    settle() {
      newChains = [];
    },
    *chains() {
      const seen = new Set<string>();
      for (const { way } of known.values())
        for (const c of way.chains) {
          if (seen.has(c.name)) continue;
          seen.add(c.name);
          yield c;
        }
    },
  };
}
