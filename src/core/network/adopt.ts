// Reads the numbers out of a listed service table: which group, slot, class and handle everything has in the kernel. A plan
// that starts from them wants what is there already, so that a restarted proxy changes nothing.
import type { NftListing } from "../nft/mod.ts";
import { bits, classShift } from "./layout.ts";

export interface Adopted {
  /** The group that a frontend element leads to; undefined when it leads nowhere. */
  groupOf(set: string, key: string): number | undefined;
  /** A group's endpoints by slot; [] when the group is not there. */
  slotsOf(group: number): readonly string[];
  /** Handles of a sticky group's endpoints. */
  handlesOf(group: number): ReadonlyMap<string, number>;
  /** Balance chains by name with their class. */
  readonly classes: ReadonlyMap<string, number>;
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
  const classes = new Map<string, number>();
  for (const [key, verdict] of map("classes")) {
    const chain = /^goto ((?:lb|sticky)-.+)$/.exec(verdict)?.[1];
    if (chain) classes.set(chain, (Number(key) & bits.class) >>> classShift);
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
    classes,
    highestGroup,
    highestHandle,
    forget() {
      known = undefined;
      slots.clear();
      handles.clear();
    },
  };
}
