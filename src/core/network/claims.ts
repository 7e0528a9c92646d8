// Elements that more than one Service may want: each element has claimants in order, the first one's data counts, and the
// element goes when the last claimant goes. Two Services on one external address thus never break a transaction.
import type { Elements, NftElement } from "../nft/mod.ts";

/** Told of every element whose effective data changes; undefined: not there. */
export type Recorder = (
  set: string,
  key: string,
  before: string | undefined,
  after: string | undefined,
) => void;

export interface Claims {
  add(owner: string, e: NftElement): void;
  remove(owner: string, e: NftElement): void;
  /** Turns an owner's claims from one list into another. */
  replace(owner: string, old: readonly NftElement[], wanted: readonly NftElement[]): void;
  elements(): Map<string, Elements>;
}

interface Cell {
  owner: string;
  data: string;
  /** Later claimants; absent while there is none, as nearly always. */
  others?: { owner: string; data: string }[];
}

export function createClaims(record: Recorder): Claims {
  const sets = new Map<string, Map<string, Cell>>();

  function add(owner: string, { set, key, data }: NftElement): void {
    let cells = sets.get(set);
    if (!cells) {
      cells = new Map();
      sets.set(set, cells);
    }
    const cell = cells.get(key);
    if (!cell) {
      cells.set(key, { owner, data });
      record(set, key, undefined, data);
    } else if (cell.owner === owner) {
      if (cell.data !== data) record(set, key, cell.data, data);
      cell.data = data;
    } else {
      cell.others ??= [];
      const mine = cell.others.find((o) => o.owner === owner);
      if (mine) mine.data = data;
      else cell.others.push({ owner, data });
    }
  }

  function remove(owner: string, { set, key }: NftElement): void {
    const cells = sets.get(set);
    const cell = cells?.get(key);
    if (!cells || !cell) return;
    if (cell.owner !== owner) {
      cell.others = cell.others?.filter((o) => o.owner !== owner);
      return;
    }
    const next = cell.others?.shift();
    if (!next) {
      cells.delete(key);
      record(set, key, cell.data, undefined);
      return;
    }
    if (next.data !== cell.data) record(set, key, cell.data, next.data);
    cell.owner = next.owner;
    cell.data = next.data;
  }

  function replace(owner: string, old: readonly NftElement[], wanted: readonly NftElement[]): void {
    if (old.length > 0) {
      const keep = new Set(wanted.map((e) => `${e.set} ${e.key}`));
      for (const e of old) if (!keep.has(`${e.set} ${e.key}`)) remove(owner, e);
    }
    for (const e of wanted) add(owner, e);
  }

  return {
    add,
    remove,
    replace,
    elements() {
      const all = new Map<string, Elements>();
      for (const [name, cells] of sets) {
        const list = new Map<string, string>();
        for (const [key, cell] of cells) list.set(key, cell.data);
        all.set(name, list);
      }
      return all;
    },
  };
}
