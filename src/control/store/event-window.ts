// The recent past: events in order of revision, bounded by number, bytes and age, from which watches resume and older
// states of a range are worked out.
import type { KeyValue, StoreEvent } from "./store.ts";

export interface WindowBounds {
  /** Never more events than this. */
  maxEvents: number;
  /** Never more bytes of values than this. */
  maxBytes: number;
  /** What is older than `keepMs` goes once more than `minEvents` are held. */
  minEvents: number;
  keepMs: number;
}

export const defaultBounds: WindowBounds = {
  maxEvents: 100_000,
  maxBytes: 64 << 20,
  minEvents: 10_000,
  keepMs: 5 * 60_000,
};

const weight = (e: StoreEvent): number => e.kv.value.length + 200;

export class EventWindow {
  compactedRevision = 0;
  #events: StoreEvent[] = [];
  #times: number[] = [];
  #start = 0;
  #bytes = 0;
  readonly #bounds: WindowBounds;

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
  }

  push(event: StoreEvent, now: number): void {
    this.#events.push(event);
    this.#times.push(now);
    this.#bytes += weight(event);
  }

  get length(): number {
    return this.#events.length - this.#start;
  }

  /** Drops what the bounds do not allow any more. */
  trim(now: number): void {
    const { maxEvents, maxBytes, minEvents, keepMs } = this.#bounds;
    while (
      this.length > maxEvents ||
      (this.#bytes > maxBytes && this.length > 1) ||
      (this.length > minEvents && this.#times[this.#start]! < now - keepMs)
    )
      this.#drop();
    this.#shrink();
  }

  compact(revision: number): void {
    while (this.length > 0 && this.#events[this.#start]!.revision <= revision) this.#drop();
    if (revision > this.compactedRevision) this.compactedRevision = revision;
    this.#shrink();
  }

  #drop(): void {
    const event = this.#events[this.#start]!;
    this.#bytes -= weight(event);
    this.compactedRevision = event.revision;
    this.#start++;
  }

  #shrink(): void {
    if (this.#start < 1024 || this.#start < this.#events.length / 4) return;
    this.#events = this.#events.slice(this.#start);
    this.#times = this.#times.slice(this.#start);
    this.#start = 0;
  }

  /** Events after `revision`, oldest first. */
  *after(revision: number): Generator<StoreEvent> {
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#events[mid]!.revision <= revision) low = mid + 1;
      else high = mid;
    }
    for (let i = low; i < this.#events.length; i++) yield this.#events[i]!;
  }

  /** What changed under the prefix since `revision`, each key with its value at that revision. */
  undo(prefix: string, revision: number): Map<string, KeyValue | undefined> {
    const old = new Map<string, KeyValue | undefined>();
    for (const event of this.after(revision))
      if (event.kv.key.startsWith(prefix) && !old.has(event.kv.key)) old.set(event.kv.key, event.prevKv);
    return old;
  }
}
