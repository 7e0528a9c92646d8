// Events are news, not records: an hour after it was last written an Event goes (kube-apiserver --event-ttl).
import type { CoreEvent } from "../../core/api/types.ts";
import type { KeyValue, Store } from "../store/mod.ts";
import { cloneStored, encodeForStorage, storedObject } from "./stored-object.ts";

const prefix = "/registry/core/events/";
export const eventTtlMs = 3600_000;

/** When it was last written, as far as the object tells; undefined when it tells nothing. */
function lastWritten(event: CoreEvent): number | undefined {
  const times = [
    event.metadata.creationTimestamp,
    event.lastTimestamp,
    event.eventTime,
    event.series?.lastObservedTime,
  ].map((t) => (t ? Date.parse(t) : Number.NaN));
  const known = times.filter((t) => !Number.isNaN(t));
  return known.length === 0 ? undefined : Math.max(...known);
}

/** Which Events are due at `now` (milliseconds since the epoch). */
function expiredEvents(store: Store, now: number): KeyValue[] {
  return store.range(prefix).filter((kv) => {
    const written = lastWritten(storedObject(kv) as CoreEvent);
    return written !== undefined && written < now - eventTtlMs;
  });
}

/** Removes what is due; an Event that is written meanwhile stays. */
export async function expireEvents(store: Store, now: number): Promise<void> {
  for (const kv of expiredEvents(store, now)) {
    const event = cloneStored(kv);
    await store.delete(kv.key, kv.modRevision, (revision) => encodeForStorage(event, revision));
  }
}
