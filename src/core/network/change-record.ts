// What changed of a table's elements since it was last asked: what the kernel has and shall lose, and what it shall get.
// A change that is taken back leaves nothing.
import { countElements, type Elements } from "../nft/mod.ts";
import type { Recorder } from "./claims.ts";

type Sets = Map<string, Map<string, string>>;

export interface ChangeRecord {
  record: Recorder;
  /** How many elements shall be there that are not. */
  readonly added: number;
  /** Hands out what was recorded, and begins anew. */
  take(): { deletes: ReadonlyMap<string, Elements>; adds: ReadonlyMap<string, Elements> };
}

function put(sets: Sets, set: string, key: string, data: string): void {
  let elements = sets.get(set);
  if (!elements) {
    elements = new Map();
    sets.set(set, elements);
  }
  elements.set(key, data);
}

function takeBack(sets: Sets, set: string, key: string): boolean {
  const elements = sets.get(set);
  if (!elements?.delete(key)) return false;
  if (elements.size === 0) sets.delete(set);
  return true;
}

export function createChangeRecord(): ChangeRecord {
  let deletes: Sets = new Map();
  let adds: Sets = new Map();
  return {
    record(set, key, before, after) {
      // What was added since the last take is not in the kernel.
      if (before !== undefined && !takeBack(adds, set, key)) put(deletes, set, key, before);
      if (after === undefined) return;
      if (deletes.get(set)?.get(key) === after) takeBack(deletes, set, key);
      else put(adds, set, key, after);
    },
    get added() {
      return countElements(adds);
    },
    take() {
      const taken = { deletes, adds };
      deletes = new Map();
      adds = new Map();
      return taken;
    },
  };
}
