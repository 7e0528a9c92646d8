// The store: everything in memory, every write through one queue into the log. Writes that wait share one append (group
// commit); only what the log has made durable is seen by readers, told to watchers and acknowledged.
import { defaultBounds, EventWindow, type WindowBounds } from "./event-window.ts";
import { SortedMap } from "./sorted-map.ts";
import type { CommitResult, KeyValue, Store, StoreEvent } from "./store.ts";
import { NothingWritten, type StoreLog } from "./store-log.ts";
import { WatchHub } from "./watch-hub.ts";

/** Thrown for a write that could not be made durable: it was not acknowledged, and may or may not be there later. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
  /** Nothing is broken, there is only too much to do. */
  readonly busy: boolean;
  constructor(message: string, options: { cause?: unknown; busy?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.busy = options.busy ?? false;
  }
}

export interface StoreOptions {
  bounds?: Partial<WindowBounds>;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Most writes that may wait; beyond it a write is refused. */
  maxQueue?: number;
  onError?(error: unknown): void;
}

interface Waiting {
  event: StoreEvent;
  resolve(result: CommitResult): void;
  reject(error: unknown): void;
}

const maxBatch = 1000;
const maxBatchBytes = 8 << 20;

export function openStore(log: StoreLog, options: StoreOptions = {}): Store {
  const { now = Date.now, maxQueue = 20_000, onError = () => {} } = options;
  const map = new SortedMap<KeyValue>();
  const window = new EventWindow({ ...defaultBounds, ...options.bounds });
  const hub = new WatchHub(onError);
  /** Keys with a write under way; the next write of the same key waits for it. */
  const busy = new Map<string, Promise<unknown>>();
  let queue: Waiting[] = [];
  let assigned: number;
  let revision: number;
  let persistedCompaction: number;
  let failure = "";
  /** Why the last append wrote nothing; told once. */
  let refusal = "";
  let closed = false;
  let flushing: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;

  const contents = log.load();
  for (const kv of contents.entries) map.set(kv.key, kv);
  window.compactedRevision = contents.compactedRevision;
  for (const event of contents.events) window.push(event, now());
  assigned = contents.revision;
  revision = contents.revision;
  persistedCompaction = contents.compactedRevision;

  function publish(event: StoreEvent): void {
    if (event.type === "PUT") map.set(event.kv.key, event.kv);
    else map.delete(event.kv.key);
    revision = event.revision;
    window.push(event, now());
    hub.publish(event);
    if (event.prevKv) event.prevKv.memo = undefined;
  }

  function takeBatch(): Waiting[] {
    let bytes = 0;
    let n = 0;
    while (n < queue.length && n < maxBatch && bytes < maxBatchBytes)
      bytes += queue[n++]!.event.kv.value.length;
    if (n === queue.length) {
      const all = queue;
      queue = [];
      return all;
    }
    return queue.splice(0, n);
  }

  async function flush(): Promise<void> {
    // One turn of the event loop gathers what has arrived together.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0 && failure === "") {
      const batch = takeBatch();
      const events = batch.map((w) => w.event);
      try {
        // The log on disk is trimmed in steps: a removal per write would double the cost of a write.
        const step = window.compactedRevision - persistedCompaction >= 1000;
        await log.append(events, step ? window.compactedRevision : persistedCompaction);
        if (step) persistedCompaction = window.compactedRevision;
      } catch (error) {
        if (!(error instanceof NothingWritten)) {
          fail(error, batch);
          return;
        }
        if (refusal !== error.message) onError(error);
        refusal = error.message;
        refuse(batch, error);
        continue;
      }
      refusal = "";
      for (const event of events) publish(event);
      window.trim(now());
      for (const w of batch) {
        busy.delete(w.event.kv.key);
        w.resolve({ ok: true, revision: w.event.revision, kv: w.event.kv });
      }
    }
  }

  function startFlush(): void {
    flushing ??= flush().finally(() => {
      flushing = undefined;
      if (queue.length > 0 && failure === "") startFlush();
    });
  }

  function refuse(batch: readonly Waiting[], error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    for (const w of batch) {
      busy.delete(w.event.kv.key);
      w.reject(new StoreUnavailable(`the write could not be stored: ${why}`, { cause: error }));
    }
  }

  function fail(error: unknown, batch: Waiting[]): void {
    failure = error instanceof Error ? error.message : String(error);
    onError(error);
    const refused = [...batch, ...queue];
    queue = [];
    refuse(refused, error);
    scheduleReopen(200);
  }

  function scheduleReopen(delay: number): void {
    if (closed) return;
    retry = setTimeout(() => {
      reopen().catch((error) => {
        onError(error);
        scheduleReopen(Math.min(delay * 2, 5000));
      });
    }, delay);
    retry.unref();
  }

  /** Believes the disk: a write that failed may be there after all, and is then published like any other. */
  async function reopen(): Promise<void> {
    await log.reopen();
    const onDisk = log.load();
    if (onDisk.revision < revision)
      throw new Error(`the disk went back from revision ${revision} to ${onDisk.revision}`);
    for (const event of onDisk.events) if (event.revision > revision) publish(event);
    // Revisions that were handed out and lost are never handed out again.
    assigned = Math.max(assigned, onDisk.revision);
    failure = "";
  }

  function write(event: StoreEvent): Promise<CommitResult> {
    const done = new Promise<CommitResult>((resolve, reject) => {
      queue.push({ event, resolve, reject });
    });
    const settled = done.catch(() => {});
    busy.set(event.kv.key, settled);
    startFlush();
    return done;
  }

  function refuseWhenClosed(): void {
    if (closed) throw new StoreUnavailable("the store is closed");
    if (failure !== "") throw new StoreUnavailable(`the store does not accept writes: ${failure}`);
    if (queue.length >= maxQueue) throw new StoreUnavailable("too many writes are waiting", { busy: true });
  }

  return {
    get revision() {
      return revision;
    },
    get compactedRevision() {
      return window.compactedRevision;
    },
    get failure() {
      return failure;
    },
    get: (key) => map.get(key),
    range: (prefix, at = {}) => map.range(prefix, at.after, at.limit),
    count: (prefix) => map.count(prefix),

    rangeAt(prefix, at, { after, limit } = {}) {
      if (at < window.compactedRevision) return "compacted";
      const old = window.undo(prefix, at);
      if (old.size === 0) return map.range(prefix, after, limit);
      const found = map.range(prefix, after).filter((kv) => !old.has(kv.key));
      for (const [key, kv] of old) if (kv && (after === undefined || key > after)) found.push(kv);
      found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      return limit === undefined ? found : found.slice(0, limit);
    },

    async put(key, expected, value) {
      // Looked up anew after every wait: of many who waited, the first has written again by then.
      for (let p = busy.get(key); p; p = busy.get(key)) await p;
      refuseWhenClosed();
      const current = map.get(key);
      if ((current?.modRevision ?? 0) !== expected) return { ok: false, current };
      const bytes = value(assigned + 1);
      const modRevision = ++assigned;
      const createRevision = current?.createRevision ?? modRevision;
      const kv: KeyValue = { key, value: bytes, modRevision, createRevision };
      return write({ type: "PUT", kv, prevKv: current, revision: modRevision });
    },

    async delete(key, expected, lastValue) {
      // Looked up anew after every wait: of many who waited, the first has written again by then.
      for (let p = busy.get(key); p; p = busy.get(key)) await p;
      refuseWhenClosed();
      const current = map.get(key);
      if (!current || current.modRevision !== expected) return { ok: false, current };
      const bytes = lastValue(assigned + 1);
      const modRevision = ++assigned;
      const kv: KeyValue = { key, value: bytes, modRevision, createRevision: current.createRevision };
      return write({ type: "DELETE", kv, prevKv: current, revision: modRevision });
    },

    watch(prefix, afterRevision, onEvent) {
      if (afterRevision < window.compactedRevision) return "compacted";
      for (const event of window.after(afterRevision)) if (event.kv.key.startsWith(prefix)) onEvent(event);
      return hub.add(prefix, onEvent);
    },

    async compact(at) {
      window.compact(Math.min(at, revision));
    },

    async close() {
      if (closed) return;
      await flushing;
      closed = true;
      clearTimeout(retry);
      await log.close();
    },
  };
}
