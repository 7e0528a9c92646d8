// One append as one LMDB transaction: room for it first, so that a full disk refuses before anything is written; then all of it
// or none; and what a commit that failed all the same says.
import { NothingWritten, type StoreEvent } from "../../control/store/mod.ts";
import { packEntry, packEvent, packState } from "./_packing.ts";
import type { Tables } from "./_tables.ts";

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Bytes that one transaction may add to the file: values and the pages on their paths, which LMDB never overwrites. */
function roomFor(events: readonly StoreEvent[], trims: boolean): number {
  let bytes = (trims ? 1 << 20 : 0) + (256 << 10);
  for (const { kv, prevKv } of events) bytes += 2 * kv.value.length + (prevKv?.value.length ?? 0) + 4 * 4096;
  return bytes;
}

/** Only while LMDB writes nothing. `trims`: old events go in the same transaction. Throws NothingWritten. */
export function makeRoom({ root, reserve }: Tables, events: readonly StoreEvent[], trims: boolean): void {
  try {
    const { lastPageNumber, pageSize } = root.getStats() as { lastPageNumber: number; pageSize: number };
    reserve.ensure((lastPageNumber + 1) * pageSize, roomFor(events, trims));
  } catch (error) {
    throw new NothingWritten(`the store's file cannot grow: ${text(error)}`, { cause: error });
  }
}

/** Resolves when it is flushed. Rejects with LMDB's word for a failed commit; see `commitFailure`. */
export async function writeAll(
  { root, entries, events: history, meta }: Tables,
  events: readonly StoreEvent[],
  { compactTo, trims }: { compactTo: number; trims: boolean },
): Promise<void> {
  // Every write's own promise fails with the transaction's.
  const quiet = (write: Promise<unknown>): void => void write.catch(() => {});
  await root.batch(() => {
    for (const event of events) {
      if (event.type === "PUT") quiet(entries.put(event.kv.key, packEntry(event.kv)));
      else quiet(entries.remove(event.kv.key));
      quiet(history.put(event.revision, packEvent(event)));
    }
    if (trims)
      for (const revision of history.getKeys({ end: compactTo + 1 })) quiet(history.remove(revision));
    quiet(meta.put("state", packState(events.at(-1)!.revision, compactTo)));
  });
}

/** LMDB's promise says only that a commit failed; what failed is in another promise beside it. */
export async function commitFailure(error: unknown): Promise<Error> {
  const inner = (error as { commitError?: Promise<unknown> }).commitError;
  let cause: unknown = error;
  if (inner) await inner.catch((e: unknown) => (cause = e));
  return new Error(`the store's file could not be written: ${text(cause)}`, { cause });
}
