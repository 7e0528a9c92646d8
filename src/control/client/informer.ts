// A local, always-current copy of one collection: list, watch, re-list when the watch expires (client-go's reflector and
// shared informer in one). Unknown is not gone: while the server cannot be reached the last known state stays.
// The copy never goes back in time, and what its owner wrote can be put into it at once (`wrote`).
import type { ResourceRef } from "../../core/api/refs.ts";
import { isExpired } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KubeClient, ListOptions } from "./client.ts";
import { pause } from "./pause.ts";

export interface InformerHandler<T extends KubeObject> {
  added?(obj: T): void;
  /** An object deleted and made anew under the same name is told as `deleted`, then `added`. */
  updated?(obj: T, old: T): void;
  deleted?(obj: T): void;
}

export interface InformerOptions<T extends KubeObject>
  extends Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector"> {
  /** Index name to function: the values under which an object is found by `byIndex`. */
  indexers?: Record<string, (obj: T) => string[]>;
  /** Keeps less of each object than came (client-go's SetTransform); names, uid and resourceVersion must stay. */
  transform?(obj: T): T;
  /** Lists in pages of so many objects; absent: all in one answer. A big collection is parsed and let go page by page. */
  pageSize?: number;
  /** Told of every failed list or watch and of handlers that throw; the informer retries by itself, 50 ms to 5 s apart. */
  onError?(error: unknown): void;
}

export interface Informer<T extends KubeObject> {
  /** Resolves when the first list is in the cache. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Every change up to this revision is in the cache and was told; 0 before the first list. */
  readonly revision: number;
  /** By `namespace/name`, or `name` for cluster-scoped kinds. The object is shared: read-only. */
  get(key: string): T | undefined;
  list(): T[];
  byIndex(index: string, value: string): T[];
  /** Adds an index over what is cached and what comes; a name that exists already is left as it is. */
  index(name: string, values: (obj: T) => string[]): void;
  /** Adds a handler, until the signal aborts where there is one; it is told `added` for everything already cached. */
  on(handler: InformerHandler<T>, signal?: AbortSignal): void;
  /**
   * Puts the answer of one's own write into the cache, so that the next read sees it before the watch tells it.
   * An answer older than what the watch has told already is ignored.
   */
  wrote(obj: T): void;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** `namespace/name`, or `name` where there is no namespace. */
export function objectKey(obj: KubeObject): string {
  const { namespace, name } = obj.metadata;
  // Joined, it is one string; a template would keep its parts beside it, and caches hold keys by the ten thousand.
  return namespace ? [namespace, name].join("/") : (name ?? "");
}

/** A watch that ends sooner than this without an event is taken for a failure. */
const shortWatchMs = 1000;

const revisionOf = (obj: KubeObject): number => Number(obj.metadata.resourceVersion ?? "");

export function createInformer<T extends KubeObject>(
  client: KubeClient,
  ref: ResourceRef<T>,
  options: InformerOptions<T> = {},
): Informer<T> {
  const cache = new Map<string, T>();
  const indexers = new Map(Object.entries(options.indexers ?? {}));
  const indexes = new Map<string, Map<string, Set<string>>>();
  for (const name of indexers.keys()) indexes.set(name, new Map());
  const handlers = new Set<InformerHandler<T>>();
  const scope = {
    namespace: options.namespace,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  };
  let hasSynced = false;
  /** Everything up to this revision is in the cache. */
  let seen = 0;
  let markSynced: () => void;
  const synced = new Promise<void>((resolve) => {
    markSynced = resolve;
  });

  function reindexOne(name: string, key: string, old: T | undefined, obj: T | undefined): void {
    const index = indexes.get(name)!;
    const values = indexers.get(name)!;
    for (const v of old ? values(old) : []) {
      const keys = index.get(v);
      keys?.delete(key);
      if (keys?.size === 0) index.delete(v);
    }
    for (const v of obj ? values(obj) : []) {
      let keys = index.get(v);
      if (!keys) {
        keys = new Set();
        index.set(v, keys);
      }
      keys.add(key);
    }
  }

  function reindex(key: string, old: T | undefined, obj: T | undefined): void {
    for (const name of indexes.keys()) reindexOne(name, key, old, obj);
  }

  function tell(call: (handler: InformerHandler<T>) => void): void {
    for (const handler of handlers) {
      try {
        call(handler);
      } catch (error) {
        options.onError?.(error);
      }
    }
  }

  function put(whole: T): void {
    const obj = options.transform?.(whole) ?? whole;
    const key = objectKey(obj);
    let old = cache.get(key);
    if (old && (old === obj || revisionOf(old) >= revisionOf(obj))) return;
    if (old && old.metadata.uid !== obj.metadata.uid) {
      remove(key, old);
      old = undefined;
    }
    cache.set(key, obj);
    reindex(key, old, obj);
    tell((h) => (old ? h.updated?.(obj, old) : h.added?.(obj)));
  }

  function remove(key: string, last: T): void {
    const old = cache.get(key);
    if (!old || revisionOf(old) > revisionOf(last)) return;
    cache.delete(key);
    reindex(key, old, undefined);
    tell((h) => h.deleted?.(last));
  }

  /** As client-go's reflector: what is there goes in first, then what is there no longer goes. */
  async function listAll(): Promise<string> {
    const present = new Set<string>();
    let resourceVersion = "";
    let next: string | undefined;
    do {
      const page = await client.list(ref, { ...scope, limit: options.pageSize, continue: next });
      for (const item of page.items) {
        present.add(objectKey(item));
        put(item);
      }
      ({ resourceVersion, continue: next } = page.metadata);
    } while (next);
    const revision = Number(resourceVersion);
    for (const [key, old] of [...cache])
      if (!present.has(key) && !(revisionOf(old) > revision)) remove(key, old);
    seen = Math.max(seen, revision);
    hasSynced = true;
    markSynced();
    return resourceVersion;
  }

  async function run(signal: AbortSignal): Promise<void> {
    let resourceVersion = "";
    let delay = 50;
    while (!signal.aborted) {
      try {
        if (resourceVersion === "") resourceVersion = await listAll();
        const started = performance.now();
        let told = false;
        const timeoutSeconds = 300 + Math.floor(Math.random() * 300);
        const events = client.watch(ref, {
          ...scope,
          resourceVersion,
          allowWatchBookmarks: true,
          timeoutSeconds,
          signal,
        });
        for await (const event of events) {
          if (signal.aborted) return;
          delay = 50;
          told = true;
          resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
          seen = Math.max(seen, Number(resourceVersion));
          if (event.type === "DELETED") remove(objectKey(event.object), event.object);
          else if (event.type !== "BOOKMARK") put(event.object);
        }
        if (!told && performance.now() - started < shortWatchMs && !signal.aborted)
          throw new Error(`the watch of ${ref.resource} ended at once`);
      } catch (error) {
        if (signal.aborted) return;
        options.onError?.(error);
        if (isExpired(error)) resourceVersion = "";
        await pause(delay, signal);
        delay = Math.min(delay * 2, 5000);
      }
    }
  }

  return {
    synced,
    get hasSynced() {
      return hasSynced;
    },
    get revision() {
      return seen;
    },
    get: (key) => cache.get(key),
    list: () => [...cache.values()],
    byIndex(index, value) {
      const keys = indexes.get(index)?.get(value) ?? [];
      return [...keys].map((k) => cache.get(k)!).filter(Boolean);
    },
    index(name, values) {
      if (indexers.has(name)) return;
      indexers.set(name, values);
      indexes.set(name, new Map());
      for (const [key, obj] of cache) reindexOne(name, key, undefined, obj);
    },
    on(handler, signal) {
      if (signal?.aborted) return;
      handlers.add(handler);
      signal?.addEventListener("abort", () => handlers.delete(handler), { once: true });
      for (const obj of cache.values()) handler.added?.(obj);
    },
    wrote(obj) {
      if (revisionOf(obj) > seen) put(obj);
    },
    run,
  };
}
