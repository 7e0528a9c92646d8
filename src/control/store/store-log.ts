// The port to a disk: what the store needs of one. An append is all or nothing and resolves when it would survive a power cut.
import type { KeyValue, StoreEvent } from "./store.ts";

/** What a log holds when it is opened. */
export interface LogContents {
  /** Highest revision ever appended. */
  revision: number;
  /** Events up to and including this one are gone. */
  compactedRevision: number;
  entries: Iterable<KeyValue>;
  /** In order of revision, everything after `compactedRevision`. */
  events: StoreEvent[];
}

/** An append was refused before anything was touched: the log is as it was, and the next one may well succeed. */
export class NothingWritten extends Error {
  override readonly name = "NothingWritten";
}

export interface StoreLog {
  /** Reads everything. */
  load(): LogContents;
  /** Applies the events to the entries, keeps them as events, and forgets events up to `compactTo`. Never called twice at a time. Throws NothingWritten, or anything else when the disk may have changed. */
  append(events: readonly StoreEvent[], compactTo: number): Promise<void>;
  /** After a failed append: drops every cached page and opens what is really on the disk. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/** A log that forgets: for tests and for clusters that need not survive. */
export function createMemoryLog(): StoreLog {
  const entries = new Map<string, KeyValue>();
  let events: StoreEvent[] = [];
  let revision = 0;
  let compactedRevision = 0;
  return {
    load: () => ({ revision, compactedRevision, entries: [...entries.values()], events: [...events] }),
    async append(batch, compactTo) {
      for (const event of batch) {
        if (event.type === "PUT") entries.set(event.kv.key, event.kv);
        else entries.delete(event.kv.key);
        events.push(event);
        revision = event.revision;
      }
      if (compactTo > compactedRevision) {
        compactedRevision = compactTo;
        events = events.filter((e) => e.revision > compactTo);
      }
    },
    async reopen() {},
    async close() {},
  };
}
