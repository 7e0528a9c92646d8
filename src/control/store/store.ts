// The store's interface: etcd's model. Keys carry revisions from one increasing sequence; writes compare and swap;
// a watch resumes from any revision that has not been compacted away.

/** One stored version of a key. `value` is the object's JSON in UTF-8, its resourceVersion inside. */
export interface KeyValue {
  key: string;
  value: Buffer;
  /** Revision of the last change to this key: the object's resourceVersion. */
  modRevision: number;
  /** Revision at which this key came to be. */
  createRevision: number;
  /**
   * Whatever the reader wants to remember of this version, e.g. its parsed form. The store never looks at it, but forgets it
   * once the key has a newer version: the recent past is kept as bytes only.
   */
  memo?: unknown;
}

export interface StoreEvent {
  type: "PUT" | "DELETE";
  /** For DELETE: the last value, stamped with the delete's revision. */
  kv: KeyValue;
  prevKv: KeyValue | undefined;
  revision: number;
}

export type CommitResult =
  | { ok: true; revision: number; kv: KeyValue }
  | { ok: false; current: KeyValue | undefined };

/**
 * A write resolves, and its event is published, only when it is flushed to disk. `value` is called with the revision that
 * the write will have, so that the stored bytes are exactly the bytes that are served.
 */
export interface Store {
  readonly revision: number;
  /** Oldest revision from which a watch can start. */
  readonly compactedRevision: number;
  get(key: string): KeyValue | undefined;
  /** Keys with the prefix in byte order, from `from` (exclusive) on. Reads the newest revision. */
  range(prefix: string, options?: { after?: string; limit?: number }): KeyValue[];
  /** The same as it stood at an older revision; "compacted" when that is gone. Not beyond `revision`. */
  rangeAt(
    prefix: string,
    revision: number,
    options?: { after?: string; limit?: number },
  ): KeyValue[] | "compacted";
  count(prefix: string): number;
  /** `expected` 0: the key must not exist; N: its modRevision must be N. */
  put(key: string, expected: number, value: (revision: number) => Buffer): Promise<CommitResult>;
  delete(key: string, expected: number, lastValue: (revision: number) => Buffer): Promise<CommitResult>;
  /**
   * Calls back with every event under the prefix after `afterRevision`, in order, without gaps or repeats.
   * Returns the stop function, or "compacted" when that revision is gone.
   */
  watch(
    prefix: string,
    afterRevision: number,
    onEvent: (event: StoreEvent) => void,
  ): (() => void) | "compacted";
  /** Forgets the events up to and including this revision. */
  compact(revision: number): Promise<void>;
  /** Empty while writes are accepted; else why they are not (the disk is full, …). Reads go on. */
  readonly failure: string;
  close(): Promise<void>;
}
