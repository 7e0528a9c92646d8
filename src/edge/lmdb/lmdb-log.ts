// The store's log in LMDB: one copy-on-write B-tree file. Each append is one transaction, written and flushed
// (fdatasync, then the meta page through an O_DSYNC descriptor) before it resolves; see docs/decisions.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import {
  type KeyValue,
  type LogContents,
  NothingWritten,
  type StoreEvent,
  type StoreLog,
} from "../../control/store/mod.ts";
import { type FileReserve, openFileReserve } from "./_file-reserve.ts";

const entryHeader = 16;
const eventHeader = 1 + 8 * 3 + 2 + 4 + 4;

function packEntry(kv: KeyValue): Buffer {
  const out = Buffer.allocUnsafe(entryHeader + kv.value.length);
  out.writeDoubleLE(kv.modRevision, 0);
  out.writeDoubleLE(kv.createRevision, 8);
  kv.value.copy(out, entryHeader);
  return out;
}

function unpackEntry(key: string, bytes: Buffer): KeyValue {
  return {
    key,
    modRevision: bytes.readDoubleLE(0),
    createRevision: bytes.readDoubleLE(8),
    // LMDB's memory is valid only until the next read.
    value: Buffer.from(bytes.subarray(entryHeader)),
  };
}

function packEvent({ type, kv, prevKv }: StoreEvent): Buffer {
  const key = Buffer.from(kv.key);
  const prev = prevKv?.value ?? Buffer.alloc(0);
  const out = Buffer.allocUnsafe(eventHeader + key.length + kv.value.length + prev.length);
  let at = out.writeUInt8(type === "PUT" ? 1 : 2, 0);
  at = out.writeDoubleLE(kv.createRevision, at);
  at = out.writeDoubleLE(prevKv?.modRevision ?? 0, at);
  at = out.writeDoubleLE(prevKv?.createRevision ?? 0, at);
  at = out.writeUInt16LE(key.length, at);
  at = out.writeUInt32LE(kv.value.length, at);
  at = out.writeUInt32LE(prev.length, at);
  at += key.copy(out, at);
  at += kv.value.copy(out, at);
  prev.copy(out, at);
  return out;
}

function unpackEvent(revision: number, bytes: Buffer): StoreEvent {
  const type = bytes.readUInt8(0) === 1 ? "PUT" : "DELETE";
  const createRevision = bytes.readDoubleLE(1);
  const prevMod = bytes.readDoubleLE(9);
  const prevCreate = bytes.readDoubleLE(17);
  const keyLength = bytes.readUInt16LE(25);
  const valueLength = bytes.readUInt32LE(27);
  let at = eventHeader;
  const key = bytes.toString("utf8", at, at + keyLength);
  at += keyLength;
  const value = Buffer.from(bytes.subarray(at, at + valueLength));
  at += valueLength;
  const prevKv =
    prevMod === 0
      ? undefined
      : {
          key,
          value: Buffer.from(bytes.subarray(at)),
          modRevision: prevMod,
          createRevision: prevCreate,
        };
  return { type, kv: { key, value, modRevision: revision, createRevision }, prevKv, revision };
}

interface Opened {
  root: RootDatabase;
  entries: Database<Buffer, string>;
  events: Database<Buffer, number>;
  meta: Database<Buffer, string>;
  reserve: FileReserve;
}

function openAll(dir: string): Opened {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const root = open({
    path: dir,
    maxDbs: 4,
    // A resolved write must mean a flushed one.
    overlappingSync: false,
    encoding: "binary",
    cache: false,
  });
  const table = { encoding: "binary", cache: false } as const;
  return {
    root,
    reserve: openFileReserve(join(dir, "data.mdb")),
    entries: root.openDB({ name: "entries", ...table }),
    events: root.openDB({ name: "events", ...table }),
    meta: root.openDB({ name: "meta", ...table }),
  };
}

/** LMDB's promise says only that a commit failed; what failed is in another promise beside it. */
async function commitFailure(error: unknown): Promise<Error> {
  const inner = (error as { commitError?: Promise<unknown> }).commitError;
  let cause: unknown = error;
  if (inner) await inner.catch((e: unknown) => (cause = e));
  return asError(cause);
}

/** Bytes that one transaction may add to the file: values and the pages on their paths, which LMDB never overwrites. */
function roomFor(events: readonly StoreEvent[], trims: boolean): number {
  let bytes = (trims ? 1 << 20 : 0) + (256 << 10);
  for (const { kv, prevKv } of events) bytes += 2 * kv.value.length + (prevKv?.value.length ?? 0) + 4 * 4096;
  return bytes;
}

const asError = (error: unknown): Error =>
  new Error(`the store's file could not be written: ${text(error)}`, { cause: error });
const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface LmdbLogOptions {
  /**
   * A commit failed inside LMDB. What is on the disk is whole, this process may not be: it should end soon. Every later
   * append and reopen is refused.
   */
  onBroken(error: Error): void;
}

/** Opens or makes the log in the directory. One process at a time may hold it. */
export function openLmdbLog(dir: string, { onBroken }: LmdbLogOptions): StoreLog {
  let db = openAll(dir);
  let compacted = 0;
  let broken: Error | undefined;
  function close(): Promise<void> {
    db.reserve.close();
    return db.root.close();
  }
  return {
    load(): LogContents {
      const state = db.meta.get("state");
      const entries: KeyValue[] = [];
      for (const { key, value } of db.entries.getRange()) entries.push(unpackEntry(key, value));
      const events: StoreEvent[] = [];
      for (const { key, value } of db.events.getRange()) events.push(unpackEvent(key, value));
      return {
        revision: state?.readDoubleLE(0) ?? 0,
        compactedRevision: state?.readDoubleLE(8) ?? 0,
        entries,
        events,
      };
    },

    async append(events, compactTo) {
      if (broken) throw broken;
      const last = events[events.length - 1];
      if (!last) return;
      try {
        const { lastPageNumber, pageSize } = db.root.getStats() as {
          lastPageNumber: number;
          pageSize: number;
        };
        db.reserve.ensure((lastPageNumber + 1) * pageSize, roomFor(events, compactTo > compacted));
      } catch (error) {
        throw new NothingWritten(`the store's file cannot grow: ${text(error)}`, { cause: error });
      }
      const state = Buffer.allocUnsafe(16);
      state.writeDoubleLE(last.revision, 0);
      state.writeDoubleLE(compactTo, 8);
      const quiet = (write: Promise<unknown>): void => void write.catch(() => {});
      try {
        await db.root.batch(() => {
          for (const event of events) {
            if (event.type === "PUT") quiet(db.entries.put(event.kv.key, packEntry(event.kv)));
            else quiet(db.entries.remove(event.kv.key));
            quiet(db.events.put(event.revision, packEvent(event)));
          }
          if (compactTo > compacted)
            for (const revision of db.events.getKeys({ end: compactTo + 1 }))
              quiet(db.events.remove(revision));
          quiet(db.meta.put("state", state));
        });
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
      db = openAll(dir);
      compacted = 0;
    },

    close,
  };
}
