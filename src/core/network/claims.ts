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

/** An element that is wanted, and elements that are wanted as long as this claim is the one that counts. */
export interface Claim extends NftElement {
  readonly with?: readonly NftElement[];
}

export interface Claims {
  add(owner: string, claim: Claim): void;
  /** Turns an owner's claims from one list into another. */
  replace(owner: string, old: readonly Claim[], wanted: readonly Claim[]): void;
  elements(): Map<string, Elements>;
}

interface Cell {
  owner: string;
  data: string;
  with: readonly NftElement[];
  /** Later claimants in their order; absent while there is none, as nearly always. Services of the same pods may be thousands. */
  others?: Map<string, Claim>;
}

const none: readonly NftElement[] = [];

export function createClaims(record: Recorder): Claims {
  const sets = new Map<string, Map<string, Cell>>();

  function recordWith(before: readonly NftElement[], after: readonly NftElement[]): void {
    if (before.length === 0 && after.length === 0) return;
    const id = (e: NftElement): string => `${e.set} ${e.key} : ${e.data}`;
    const keep = new Set(after.map(id));
    for (const e of before) if (!keep.delete(id(e))) record(e.set, e.key, e.data, undefined);
    for (const e of after) if (keep.has(id(e))) record(e.set, e.key, undefined, e.data);
  }

  function take(cell: Cell, owner: string, claim: Claim): void {
    if (cell.data !== claim.data) record(claim.set, claim.key, cell.data, claim.data);
    recordWith(cell.with, claim.with ?? none);
    cell.owner = owner;
    cell.data = claim.data;
    cell.with = claim.with ?? none;
  }

  function add(owner: string, claim: Claim): void {
    let cells = sets.get(claim.set);
    if (!cells) {
      cells = new Map();
      sets.set(claim.set, cells);
    }
    const cell = cells.get(claim.key);
    if (!cell) {
      cells.set(claim.key, { owner, data: claim.data, with: claim.with ?? none });
      record(claim.set, claim.key, undefined, claim.data);
      if (claim.with) recordWith(none, claim.with);
    } else if (cell.owner === owner) take(cell, owner, claim);
    else {
      cell.others ??= new Map();
      cell.others.set(owner, claim);
    }
  }

  function remove(owner: string, { set, key }: Claim): void {
    const cells = sets.get(set);
    const cell = cells?.get(key);
    if (!cells || !cell) return;
    if (cell.owner !== owner) {
      cell.others?.delete(owner);
      return;
    }
    const [next] = cell.others ?? [];
    if (next) {
      cell.others!.delete(next[0]);
      take(cell, ...next);
    } else {
      cells.delete(key);
      record(set, key, cell.data, undefined);
      recordWith(cell.with, none);
    }
  }

  return {
    add,
    replace(owner, old, wanted) {
      if (old.length > 0) {
        const keep = new Set(wanted.map((e) => `${e.set} ${e.key}`));
        for (const e of old) if (!keep.has(`${e.set} ${e.key}`)) remove(owner, e);
      }
      for (const e of wanted) add(owner, e);
    },
    elements() {
      const all = new Map<string, Map<string, string>>();
      const put = (e: NftElement): void => {
        let list = all.get(e.set);
        if (!list) {
          list = new Map();
          all.set(e.set, list);
        }
        list.set(e.key, e.data);
      };
      for (const [set, cells] of sets)
        for (const [key, cell] of cells) {
          put({ set, key, data: cell.data });
          for (const e of cell.with) put(e);
        }
      return all;
    },
  };
}
