// Reads the numbers out of a listed service table: which group, slot, class and handle everything has in the kernel. A plan
// that starts from them wants what is there already, so that a restarted proxy changes nothing.
import type { NftListing } from "../nft/mod.ts";
import { bits, classShift, parseBalanceChain } from "./layout.ts";

export interface Adopted {
  /** The group that a frontend element leads to; undefined when it leads nowhere. */
  groupOf(set: string, key: string): number | undefined;
  /** A group's endpoints by slot; [] when the group is not there. */
  slotsOf(group: number): readonly string[];
  /** Handles of a sticky group's endpoints. */
  handlesOf(group: number): ReadonlyMap<string, number>;
  /** Chains of ways to balance by name, with the class that leads there. */
  readonly ways: ReadonlyMap<string, number | undefined>;
  readonly highestGroup: number;
  readonly highestHandle: number;
  /** Lets go of the listing; from now on nothing is known. For when every Service has been set. */
  forget(): void;
}

export function adoptListing(listing: NftListing): Adopted {
  let known: NftListing | undefined = listing;
  const map = (name: string): ReadonlyMap<string, string> => known?.elements.get(name) ?? new Map();
  const slots = new Map<number, string[]>();
  const handles = new Map<number, Map<string, number>>();
  let highestHandle = 0;
  const put = (group: number, slot: number, endpoint: string): void => {
    let list = slots.get(group);
    if (!list) {
      list = [];
      slots.set(group, list);
    }
    list[slot] = endpoint;
  };
  for (const [key, endpoint] of map("backends")) {
    const [slot, group] = key.split(" . ").map(Number);
    put(group!, slot!, endpoint);
  }
  const byHandle = map("sticky-endpoints");
  for (const [key, handle] of map("sticky-slots")) {
    const [slot, group] = key.split(" . ").map(Number);
    const endpoint = byHandle.get(handle);
    if (endpoint === undefined) continue;
    put(group!, slot!, endpoint);
    let list = handles.get(group!);
    if (!list) {
      list = new Map();
      handles.set(group!, list);
    }
    list.set(endpoint, Number(handle));
    highestHandle = Math.max(highestHandle, Number(handle));
  }
  const ways = new Map<string, number | undefined>();
  for (const name of listing.chains.keys()) if (parseBalanceChain(name)) ways.set(name, undefined);
  for (const [key, verdict] of map("classes")) {
    const name = /^goto (.+)$/.exec(verdict)?.[1];
    if (name !== undefined && ways.has(name)) ways.set(name, (Number(key) & bits.class) >>> classShift);
  }
  let highestGroup = 0;
  for (const group of slots.keys()) highestGroup = Math.max(highestGroup, group);
  return {
    groupOf(set, key) {
      const word = map(set).get(key);
      const group = word === undefined ? 0 : Number(word) & bits.group;
      return group === 0 ? undefined : group;
    },
    slotsOf: (group) => (slots.get(group) ?? []).filter((e) => e !== undefined),
    handlesOf: (group) => handles.get(group) ?? new Map(),
    ways,
    highestGroup,
    highestHandle,
    forget() {
      known = undefined;
      slots.clear();
      handles.clear();
    },
  };
}
