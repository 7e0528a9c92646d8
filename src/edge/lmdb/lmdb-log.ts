// The store's log in LMDB: one copy-on-write B-tree file. Each append is one transaction, written and flushed
// (fdatasync, then the meta page through an O_DSYNC descriptor) before it resolves; see docs/decisions.
import type { KeyValue, LogContents, StoreEvent, StoreLog } from "../../control/store/mod.ts";
import { unpackEntry, unpackEvent, unpackState } from "./_packing.ts";
import { openTables } from "./_tables.ts";
import { commitFailure, makeRoom, writeAll } from "./_transaction.ts";

export interface LmdbLogOptions {
  /**
   * A commit failed inside LMDB. What is on the disk is whole, this process may not be: it should end soon. Every later
   * append and reopen is refused.
   */
  onBroken(error: Error): void;
}

/** Opens or makes the log in the directory. One process at a time may hold it. */
export function openLmdbLog(dir: string, { onBroken }: LmdbLogOptions): StoreLog {
  let db = openTables(dir);
  let compacted = 0;
  let broken: Error | undefined;
  function close(): Promise<void> {
    db.reserve.close();
    return db.root.close();
  }
  return {
    load(): LogContents {
      const entries: KeyValue[] = [];
      for (const { key, value } of db.entries.getRange()) entries.push(unpackEntry(key, value));
      const events: StoreEvent[] = [];
      for (const { key, value } of db.events.getRange()) events.push(unpackEvent(key, value));
      return { ...unpackState(db.meta.get("state")), entries, events };
    },

    async append(events, compactTo) {
      if (broken) throw broken;
      if (events.length === 0) return;
      const trims = compactTo > compacted;
      makeRoom(db, events, trims);
      try {
        await writeAll(db, events, { compactTo, trims });
      } catch (error) {
        broken = await commitFailure(error);
        onBroken(broken);
        throw broken;
      }
      compacted = compactTo;
    },

    async reopen() {
      if (broken) throw broken;
      await close().catch(() => {});
      db = openTables(dir);
      compacted = 0;
    },

    close,
  };
}
