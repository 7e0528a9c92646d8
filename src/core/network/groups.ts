// Endpoint groups and their slots. A group's endpoints fill the slots 0 to n-1 without a hole, so that `numgen mod n` hits
// each with the same chance; an endpoint keeps its slot while others come and go, except that the last moves into a hole.
import type { Elements } from "../nft/mod.ts";
import type { Adopted } from "./adopt.ts";
import type { Recorder } from "./claims.ts";
import { hex, maxGroup } from "./layout.ts";

export interface Group {
  readonly id: number;
  readonly key: string;
  /** `address . port` by slot. */
  slots: readonly string[];
  /** With client affinity: the handle of each endpoint, never given to another while clients may remember it. */
  handles: ReadonlyMap<string, number> | undefined;
}

export interface GroupWish {
  /** At least one `address . port`. */
  readonly endpoints: readonly string[];
  readonly sticky: boolean;
  /** A number that a new group takes when it is free (from an adopted table). */
  readonly id?: number | undefined;
}

export interface Groups {
  /** Makes a group or gives it other endpoints; undefined when there is no number left for one. */
  set(key: string, wish: GroupWish): Group | undefined;
  /** There is a number left. */
  readonly hasRoom: boolean;
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

const maxHandle = 0xffffffff;
const sameSlots = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((e, i) => e === b[i]);

/** @param most groups that there may be */
export function createGroups(record: Recorder, adopted?: Adopted, most: number = maxGroup): Groups {
  const groups = new Map<string, Group>();
  const used = new Set<number>();
  const free: number[] = [];
  let nextId = (adopted?.highestGroup ?? 0) + 1;
  let nextHole = 1;
  let nextHandle = (adopted?.highestHandle ?? 0) + 1;
  const handlesInUse = new Set<number>();

  function newId(wish: number | undefined): number | undefined {
    if (used.size >= most) return undefined;
    let id = wish;
    if (id === undefined || used.has(id)) {
      // Beyond the last number there are holes that an adopted table had.
      do id = free.pop() ?? (nextId > most ? nextHole++ : nextId++);
      while (used.has(id));
    }
    used.add(id);
    return id;
  }

  function newHandle(): number {
    while (handlesInUse.has(nextHandle)) nextHandle = (nextHandle % maxHandle) + 1;
    const handle = nextHandle;
    nextHandle = (nextHandle % maxHandle) + 1;
    handlesInUse.add(handle);
    return handle;
  }

  /** Every element that the group has, given to `each`. */
  function elementsOf(g: Group, each: (set: string, key: string, data: string) => void): void {
    const id = hex(g.id);
    for (let slot = 0; slot < g.slots.length; slot++) {
      const endpoint = g.slots[slot]!;
      const key = `${hex(slot)} . ${id}`;
      const handle = g.handles?.get(endpoint);
      if (handle === undefined) each("backends", key, endpoint);
      else {
        each("sticky-slots", key, hex(handle));
        each("sticky-endpoints", hex(handle), endpoint);
      }
    }
  }

  function recordPlain(id: string, before: readonly string[], after: readonly string[]): void {
    const n = Math.max(before.length, after.length);
    for (let i = 0; i < n; i++)
      if (before[i] !== after[i]) record("backends", `${hex(i)} . ${id}`, before[i], after[i]);
  }

  function recordSticky(before: Group | undefined, after: Group | undefined): void {
    const had = new Map<string, [string, string, string]>();
    if (before) elementsOf(before, (set, key, data) => had.set(`${set} ${key}`, [set, key, data]));
    if (after)
      elementsOf(after, (set, key, data) => {
        const name = `${set} ${key}`;
        const old = had.get(name)?.[2];
        if (old !== data) record(set, key, old, data);
        had.delete(name);
      });
    for (const [set, key, data] of had.values()) record(set, key, data, undefined);
  }

  function replace(before: Group | undefined, after: Group | undefined): void {
    if (before?.handles || after?.handles) recordSticky(before, after);
    else recordPlain(hex((before ?? after)!.id), before?.slots ?? [], after?.slots ?? []);
  }

  function handlesFor(known: ReadonlyMap<string, number> | undefined, slots: readonly string[]) {
    const handles = new Map<string, number>();
    for (const e of slots) {
      const handle = known?.get(e);
      if (handle !== undefined) handlesInUse.add(handle);
      handles.set(e, handle ?? newHandle());
    }
    for (const [e, h] of known ?? []) if (!handles.has(e)) handlesInUse.delete(h);
    return handles;
  }

  return {
    set(key, { endpoints, sticky, id: wish }) {
      const old = groups.get(key);
      const id = old?.id ?? newId(wish);
      if (id === undefined) return undefined;
      const slots = placeInSlots(old ? old.slots : (adopted?.slotsOf(id) ?? []), endpoints);
      if (old && sticky === (old.handles !== undefined) && sameSlots(old.slots, slots)) return old;
      const before = old && { ...old };
      const group: Group = old ?? { id, key, slots, handles: undefined };
      group.slots = slots;
      if (sticky) group.handles = handlesFor(old ? old.handles : adopted?.handlesOf(id), slots);
      else {
        for (const h of group.handles?.values() ?? []) handlesInUse.delete(h);
        group.handles = undefined;
      }
      groups.set(key, group);
      replace(before, group);
      return group;
    },
    get hasRoom() {
      return used.size < most;
    },
    remove(group) {
      if (groups.get(group.key) !== group) return;
      replace(group, undefined);
      for (const h of group.handles?.values() ?? []) handlesInUse.delete(h);
      groups.delete(group.key);
      used.delete(group.id);
      free.push(group.id);
    },
    elements() {
      const all = new Map<string, Map<string, string>>();
      for (const name of ["backends", "sticky-slots", "sticky-endpoints"]) all.set(name, new Map());
      for (const g of groups.values())
        elementsOf(g, (set, key, data) => {
          all.get(set)!.set(key, data);
        });
      return all;
    },
  };
}
