// Endpoint groups and their slots. A group's endpoints fill the slots 0 to n-1 without a hole, so that `numgen mod n` hits
// each with the same chance; an endpoint keeps its slot while others come and go, except that the last moves into a hole.
import type { Elements } from "../nft/mod.ts";
import type { Recorder } from "./claims.ts";
import { hex, maxGroup } from "./layout.ts";

export interface Group {
  readonly id: number;
  readonly key: string;
  /** `address . port` by slot. */
  slots: readonly string[];
  /** With client affinity: the handle of each endpoint, never given to another while clients may remember it. */
  handles: Map<string, number> | undefined;
}

export interface Groups {
  /** Makes a group or gives it other endpoints (at least one). */
  set(key: string, endpoints: readonly string[], sticky: boolean): Group;
  remove(group: Group): void;
  elements(): Map<string, Elements>;
}

/** Puts endpoints into n slots: who stays keeps the slot, the rest fills holes in order. */
export function placeInSlots(old: readonly string[], endpoints: readonly string[]): string[] {
  const n = endpoints.length;
  const wanted = new Set(endpoints);
  const slots: (string | undefined)[] = new Array(n).fill(undefined);
  for (let i = 0; i < old.length && i < n; i++) {
    if (wanted.delete(old[i]!)) slots[i] = old[i];
  }
  const rest = wanted.values();
  for (let i = 0; i < n; i++) slots[i] ??= rest.next().value!;
  return slots as string[];
}

const maxHandle = 0x3fffffff;

export function createGroups(record: Recorder): Groups {
  const groups = new Map<string, Group>();
  const free: number[] = [];
  let nextId = 1;
  let nextHandle = 1;
  const handlesInUse = new Set<number>();

  function newHandle(): number {
    while (handlesInUse.has(nextHandle)) nextHandle = (nextHandle % maxHandle) + 1;
    const handle = nextHandle;
    nextHandle = (nextHandle % maxHandle) + 1;
    handlesInUse.add(handle);
    return handle;
  }

  /** Every element that the group has, given to `each`. */
  function elementsOf(g: Group, each: (set: string, key: string, data: string) => void): void {
    g.slots.forEach((endpoint, slot) => {
      if (!g.handles) {
        each("backends", `${hex(slot)} . ${hex(g.id)}`, endpoint);
        return;
      }
      const handle = g.handles.get(endpoint)!;
      each("sticky-slots", `${hex(slot)} . ${hex(g.id)}`, hex(handle));
      each("sticky-endpoints", hex(handle), endpoint);
    });
  }

  function replace(before: Group | undefined, after: Group | undefined): void {
    if (before && after && !before.handles && !after.handles) {
      const n = Math.max(before.slots.length, after.slots.length);
      for (let i = 0; i < n; i++) {
        const [a, b] = [before.slots[i], after.slots[i]];
        if (a !== b) record("backends", `${hex(i)} . ${hex(after.id)}`, a, b);
      }
      return;
    }
    const had = new Map<string, [string, string, string]>();
    if (before) elementsOf(before, (set, key, data) => had.set(`${set} ${key}`, [set, key, data]));
    if (after)
      elementsOf(after, (set, key, data) => {
        const id = `${set} ${key}`;
        const old = had.get(id)?.[2];
        if (old !== data) record(set, key, old, data);
        had.delete(id);
      });
    for (const [set, key, data] of had.values()) record(set, key, data, undefined);
  }

  function handlesFor(old: Map<string, number> | undefined, slots: readonly string[]): Map<string, number> {
    const handles = new Map<string, number>();
    for (const e of slots) handles.set(e, old?.get(e) ?? newHandle());
    for (const [e, h] of old ?? []) if (!handles.has(e)) handlesInUse.delete(h);
    return handles;
  }

  return {
    set(key, endpoints, sticky) {
      const old = groups.get(key);
      const before = old && { ...old };
      const id = old?.id ?? free.pop() ?? nextId++;
      if (id > maxGroup) throw new RangeError(`more than ${maxGroup} endpoint groups`);
      const group: Group = old ?? { id, key, slots: [], handles: undefined };
      group.slots = placeInSlots(group.slots, endpoints);
      if (sticky) group.handles = handlesFor(group.handles, group.slots);
      else {
        for (const h of group.handles?.values() ?? []) handlesInUse.delete(h);
        group.handles = undefined;
      }
      groups.set(key, group);
      replace(before, group);
      return group;
    },
    remove(group) {
      if (groups.get(group.key) !== group) return;
      replace(group, undefined);
      for (const h of group.handles?.values() ?? []) handlesInUse.delete(h);
      groups.delete(group.key);
      free.push(group.id);
    },
    elements() {
      const all = new Map<string, Map<string, string>>();
      for (const g of groups.values())
        elementsOf(g, (set, key, data) => {
          let list = all.get(set);
          if (!list) {
            list = new Map();
            all.set(set, list);
          }
          list.set(key, data);
        });
      return all;
    },
  };
}
