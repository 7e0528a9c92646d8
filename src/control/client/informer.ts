// A local, always-current copy of one collection: list, watch, re-list when the watch expires (client-go's reflector and
// shared informer in one). Unknown is not gone: while the server cannot be reached the last known state stays.
import type { ResourceRef } from "../../core/api/refs.ts";
import { isExpired } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KubeClient, ListOptions } from "./client.ts";

export interface InformerHandler<T extends KubeObject> {
  added?(obj: T): void;
  updated?(obj: T, old: T): void;
  deleted?(obj: T): void;
}

export interface InformerOptions<T extends KubeObject>
  extends Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector"> {
  /** Index name to function: the values under which an object is found by `byIndex`. */
  indexers?: Record<string, (obj: T) => string[]>;
  /** Told of every failed list or watch; the informer retries by itself, 50 ms to 5 s apart. */
  onError?(error: unknown): void;
}

export interface Informer<T extends KubeObject> {
  /** Resolves when the first list is in the cache. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** By `namespace/name`, or `name` for cluster-scoped kinds. The object is shared: read-only. */
  get(key: string): T | undefined;
  list(): T[];
  byIndex(index: string, value: string): T[];
  /** Adds a handler; it is told `added` for everything already cached. */
  on(handler: InformerHandler<T>): void;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** `namespace/name`, or `name` where there is no namespace. */
export function objectKey(obj: KubeObject): string {
  const { namespace, name } = obj.metadata;
  return namespace ? `${namespace}/${name}` : (name ?? "");
}

export function createInformer<T extends KubeObject>(
  client: KubeClient,
  ref: ResourceRef<T>,
  options: InformerOptions<T> = {},
): Informer<T> {
  const cache = new Map<string, T>();
  const indexes = new Map<string, Map<string, Set<string>>>();
  for (const name of Object.keys(options.indexers ?? {})) indexes.set(name, new Map());
  const handlers: InformerHandler<T>[] = [];
  const scope = {
    namespace: options.namespace,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  };
  let hasSynced = false;
  let markSynced: () => void;
  const synced = new Promise<void>((resolve) => {
    markSynced = resolve;
  });

  function reindex(key: string, old: T | undefined, obj: T | undefined): void {
    for (const [name, index] of indexes) {
      const values = options.indexers![name]!;
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
  }

  function put(obj: T): void {
    const key = objectKey(obj);
    const old = cache.get(key);
    if (old && old.metadata.resourceVersion === obj.metadata.resourceVersion) return;
    cache.set(key, obj);
    reindex(key, old, obj);
    for (const h of handlers) old ? h.updated?.(obj, old) : h.added?.(obj);
  }

  function remove(key: string, last?: T): void {
    const old = cache.get(key);
    if (!old) return;
    cache.delete(key);
    reindex(key, old, undefined);
    for (const h of handlers) h.deleted?.(last ?? old);
  }

  async function listAll(): Promise<string> {
    const list = await client.list(ref, { ...scope });
    const seen = new Set<string>();
    for (const item of list.items) {
      seen.add(objectKey(item));
      put(item);
    }
    for (const key of [...cache.keys()]) if (!seen.has(key)) remove(key);
    hasSynced = true;
    markSynced();
    return list.metadata.resourceVersion;
  }

  async function run(signal: AbortSignal): Promise<void> {
    let resourceVersion = "";
    let delay = 50;
    while (!signal.aborted) {
      try {
        if (resourceVersion === "") resourceVersion = await listAll();
        const timeoutSeconds = 300 + Math.floor(Math.random() * 300);
        const events = client.watch(ref, {
          ...scope,
          resourceVersion,
          allowWatchBookmarks: true,
          timeoutSeconds,
          signal,
        });
        for await (const event of events) {
          delay = 50;
          resourceVersion = event.object.metadata.resourceVersion!;
          if (event.type === "DELETED") remove(objectKey(event.object), event.object);
          else if (event.type !== "BOOKMARK") put(event.object);
        }
      } catch (error) {
        if (signal.aborted) return;
        options.onError?.(error);
        if (isExpired(error)) resourceVersion = "";
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, delay);
          function done(): void {
            clearTimeout(timer);
            signal.removeEventListener("abort", done);
            resolve();
          }
          signal.addEventListener("abort", done);
        });
        delay = Math.min(delay * 2, 5000);
      }
    }
  }

  return {
    synced,
    get hasSynced() {
      return hasSynced;
    },
    get: (key) => cache.get(key),
    list: () => [...cache.values()],
    byIndex(index, value) {
      const keys = indexes.get(index)?.get(value) ?? [];
      return [...keys].map((k) => cache.get(k)!).filter(Boolean);
    },
    on(handler) {
      handlers.push(handler);
      for (const obj of cache.values()) handler.added?.(obj);
    },
    run,
  };
}
