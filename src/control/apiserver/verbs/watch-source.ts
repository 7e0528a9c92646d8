// WATCH: from a request's resourceVersion, match rule and selectors to a sequence of events, for any consumer that can say
// when it is ready for more (API concepts, "Efficient detection of changes", "Streaming lists").
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { expired, failure, invalid, type StatusError } from "../../../core/api/status.ts";
import type { KeyValue, Store, StoreEvent } from "../../store/mod.ts";
import { storeKey, storePrefix } from "../registry.ts";
import { checkListOptions } from "../requests/mod.ts";
import { cloneStored, servedObject } from "../stored-object.ts";
import { parseResourceVersion, tooLargeResourceVersion } from "./list.ts";
import { parseSelection, type SelectorText } from "./selection.ts";

export interface WatchQuery extends SelectorText {
  namespace?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  allowWatchBookmarks?: boolean | undefined;
  sendInitialEvents?: boolean | undefined;
}

export type WatchItem =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; kv: KeyValue }
  | { type: "BOOKMARK"; revision: number; endsInitialEvents: boolean }
  /** The last item: the watch is over. */
  | { type: "ERROR"; error: StatusError };

export interface WatchSource {
  /** The next item, or undefined when there is none yet. */
  next(): WatchItem | undefined;
  /** Adds a BOOKMARK for all that was sent, when the watcher asked for bookmarks and nothing waits. */
  bookmark(): WatchItem | undefined;
  stop(): void;
}

/** Events that may wait for a slow watcher before it is cut. */
const maxBehind = 10_000;

/** The version as it was before it left the selection, at the revision of the event that made it leave. */
function leaving(event: StoreEvent): KeyValue {
  const before = event.prevKv!;
  const obj = cloneStored(before);
  obj.metadata.resourceVersion = String(event.revision);
  const value = Buffer.from(JSON.stringify(obj));
  return { key: before.key, value, modRevision: event.revision, createRevision: before.createRevision };
}

function checkQuery(q: WatchQuery): void {
  checkListOptions(q, "watch");
  if (q.sendInitialEvents && !q.allowWatchBookmarks)
    throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", [
      {
        type: "FieldValueForbidden",
        field: "sendInitialEvents",
        detail: "sendInitialEvents requires setting allowWatchBookmarks to true",
      },
    ]);
}

/** Throws StatusError for a request that cannot be watched. `wake` is called when `next` has something again. */
export function openWatch(
  store: Store,
  def: ResourceDefinition,
  q: WatchQuery,
  wake: () => void,
): WatchSource {
  checkQuery(q);
  const selection = parseSelection(def, q);
  const matches = selection.matches;
  const namespace = q.namespace ?? selection.namespace;
  const oneKey = selection.name !== undefined && (namespace || !def.namespaced);
  const prefix = oneKey ? storeKey(def, namespace, selection.name!) : storePrefix(def, namespace);
  const asked = parseResourceVersion(q.resourceVersion);
  if (q.sendInitialEvents && asked !== undefined && asked > store.revision)
    throw tooLargeResourceVersion(asked, store.revision);

  const startRevision = store.revision;
  const synthetic = q.sendInitialEvents ?? (asked === undefined || asked === 0);
  const initial: KeyValue[] = !synthetic
    ? []
    : oneKey
      ? [store.get(prefix)].filter((kv) => kv !== undefined)
      : store.range(prefix);
  let at = 0;
  let endMark = q.sendInitialEvents === true;
  let waiting: WatchItem[] = [];
  let taken = 0;
  let sent = startRevision;
  let over = false;

  function selected(kv: KeyValue): boolean {
    return matches === undefined || matches(servedObject(def, kv));
  }

  function toItem(event: StoreEvent): WatchItem | undefined {
    const { kv, prevKv } = event;
    if (event.type === "DELETE") return selected(prevKv ?? kv) ? { type: "DELETED", kv } : undefined;
    const is = selected(kv);
    const was = prevKv !== undefined && selected(prevKv);
    if (is) return { type: was ? "MODIFIED" : "ADDED", kv };
    return was ? { type: "DELETED", kv: leaving(event) } : undefined;
  }

  function onEvent(event: StoreEvent): void {
    if (over) return;
    if (asked !== undefined && event.revision <= asked) return;
    const item = toItem(event);
    if (!item) return;
    if (waiting.length - taken >= maxBehind) {
      waiting.push({ type: "ERROR", error: expired("too many events are waiting for this watch") });
      over = true;
    } else waiting.push(item);
    wake();
  }

  const after = synthetic || asked === undefined ? startRevision : Math.min(asked, startRevision);
  const subscription = store.watch(prefix, after, onEvent);
  let stop = (): void => {};
  if (subscription === "compacted") {
    waiting.push({ type: "ERROR", error: tooOld(asked ?? 0, store.compactedRevision) });
    over = true;
  } else stop = subscription;

  return {
    next() {
      while (at < initial.length) {
        const kv = initial[at++]!;
        if (selected(kv)) return { type: "ADDED", kv };
      }
      if (endMark) {
        endMark = false;
        return { type: "BOOKMARK", revision: startRevision, endsInitialEvents: true };
      }
      if (taken >= waiting.length) {
        if (taken > 0) {
          waiting = [];
          taken = 0;
        }
        return undefined;
      }
      const item = waiting[taken++]!;
      if ("kv" in item) sent = item.kv.modRevision;
      return item;
    },
    bookmark() {
      if (!q.allowWatchBookmarks || over || at < initial.length || endMark || taken < waiting.length)
        return undefined;
      // Everything up to the store's revision has been published, so nothing older can still come.
      sent = Math.max(sent, store.revision);
      return { type: "BOOKMARK", revision: sent, endsInitialEvents: false };
    },
    stop: () => {
      over = true;
      stop();
    },
  };
}

function tooOld(asked: number, oldest: number): StatusError {
  return failure(410, "Expired", `too old resource version: ${asked} (${oldest})`);
}
