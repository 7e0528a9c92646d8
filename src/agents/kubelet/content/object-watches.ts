// The objects of one kind that pods of this node refer to, each watched by its name for as long as a pod holds it (kubelet
// util/manager watch_based_manager): what no pod here refers to never comes to this node.
import { createInformer, type Informer, type KubeClient } from "../../../control/client/mod.ts";
import type { ResourceRef } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";

export interface ObjectWatches<T extends KubeObject> {
  /** From now on the holder refers to these names of the namespace and to no others. None: it lets go of everything. */
  hold(holder: string, namespace: string, names: ReadonlySet<string>): void;
  /**
   * The object as the API has it; null: there is none. The holder must hold it. `fresh`: not older than this call; otherwise what
   * the watch told last is enough. Rejects when the API cannot be asked.
   */
  get(holder: string, namespace: string, name: string, fresh: boolean): Promise<T | null>;
  /** Number of watches. */
  readonly size: number;
  /** Ends every watch when the signal aborts and resolves then. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ObjectWatchesOptions {
  /** An object came, changed or went after it was first listed. */
  changed(holders: ReadonlySet<string>): void;
  /** Names whose object never changes in a cluster's life: read once, not watched. */
  steady?: ReadonlySet<string>;
  onError(error: unknown): void;
}

interface Held<T extends KubeObject> {
  readonly holders: Set<string>;
  /** Whose first reading is the first list: for later holders that may be too old. */
  readonly first: string;
  readonly informer: Informer<T> | undefined;
  /** The first try to list, while it is under way. */
  listing: Promise<void> | undefined;
  copy: T | undefined;
  stop(): void;
}

const escapeValue = (value: string): string => value.replace(/[\\,=]/g, "\\$&");

export function createObjectWatches<T extends KubeObject & { immutable?: boolean }>(
  client: KubeClient,
  ref: ResourceRef<T>,
  { changed, steady, onError }: ObjectWatchesOptions,
): ObjectWatches<T> {
  const held = new Map<string, Held<T>>();
  const heldBy = new Map<string, Set<string>>();
  const running = new Set<Promise<void>>();
  let stopped = false;

  function begin(key: string, namespace: string, name: string, first: string): Held<T> {
    const holders = new Set([first]);
    if (steady?.has(name))
      return { holders, first, informer: undefined, listing: undefined, copy: undefined, stop() {} };
    let failed: (error: unknown) => void;
    const informer = createInformer(client, ref, {
      namespace,
      fieldSelector: `metadata.name=${escapeValue(name)}`,
      onError(error) {
        failed(error);
        onError(error);
      },
    });
    const listing = new Promise<void>((resolve, reject) => {
      failed = reject;
      void informer.synced.then(resolve);
    });
    const listed = (): void => {
      item.listing = undefined;
    };
    listing.then(listed, listed);
    const ending = new AbortController();
    const stop = (): void => ending.abort();
    // The first list is the answer to somebody's question, not news.
    const tell = (): void => {
      if (informer.hasSynced && held.get(key) === item) changed(holders);
    };
    const put = (obj: T): void => {
      tell();
      // It says of itself that it will not change: nothing more can come.
      if (obj.immutable) stop();
    };
    const item: Held<T> = { holders, first, informer, listing, copy: undefined, stop };
    informer.on({ added: put, updated: put, deleted: tell });
    if (stopped) item.listing = undefined;
    else {
      const run: Promise<void> = informer.run(ending.signal).finally(() => running.delete(run));
      running.add(run);
    }
    return item;
  }

  function letGo(holder: string, key: string): void {
    const item = held.get(key);
    item?.holders.delete(holder);
    if (item?.holders.size !== 0) return;
    item.stop();
    held.delete(key);
  }

  async function ask(item: Held<T>, namespace: string, name: string): Promise<T | null> {
    try {
      const obj = await client.get(ref, name, { namespace });
      if (item.informer?.hasSynced) item.informer.wrote(obj);
      else if (!item.informer) item.copy = obj;
      return obj;
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  return {
    hold(holder, namespace, names) {
      const before = heldBy.get(holder);
      const keys = new Set<string>();
      for (const name of names) {
        const key = `${namespace}/${name}`;
        keys.add(key);
        const item = held.get(key);
        if (item) item.holders.add(holder);
        else held.set(key, begin(key, namespace, name, holder));
      }
      for (const key of before ?? []) if (!keys.has(key)) letGo(holder, key);
      if (keys.size > 0) heldBy.set(holder, keys);
      else heldBy.delete(holder);
    },
    async get(holder, namespace, name, fresh) {
      const key = `${namespace}/${name}`;
      const item = held.get(key);
      if (!item) throw new Error(`${ref.resource} ${key} is not held`);
      const { informer } = item;
      if (!informer) return item.copy ?? ask(item, namespace, name);
      if (item.listing && item.first === holder) await item.listing;
      else if (fresh || !informer.hasSynced) return ask(item, namespace, name);
      return informer.get(key) ?? null;
    },
    get size() {
      return running.size;
    },
    async run(signal) {
      if (!signal.aborted)
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
      stopped = true;
      for (const item of held.values()) item.stop();
      await Promise.all(running);
    },
  };
}
