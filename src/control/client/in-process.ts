// The API without a wire: what runs beside the API server calls the same request path that HTTP requests take.
import { apiVersionOf, type ResourceRef } from "../../core/api/refs.ts";
import type { StatusError } from "../../core/api/status.ts";
import type { KubeList, KubeObject } from "../../core/api/types.ts";
import type {
  At,
  DeleteOptions,
  KubeClient,
  ListOptions,
  PatchType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./client.ts";

/** A watch as the server hands it out: pulled, with a call when there is more. */
export interface OpenedWatch {
  next():
    | { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; object: KubeObject }
    | { type: "ERROR"; error: StatusError }
    | undefined;
  bookmark(): { type: "BOOKMARK"; object: KubeObject } | undefined;
  stop(): void;
}

/** What the API server offers to callers in its own process; objects are shared and deeply read-only. */
export interface ApiOperations {
  get(ref: ResourceRef, name: string, at: At): Promise<KubeObject>;
  list(ref: ResourceRef, options: ListOptions): KubeList;
  watch(ref: ResourceRef, options: Omit<WatchOptions, "signal">, wake: () => void): OpenedWatch;
  /** The object is the callee's own. */
  create(
    ref: ResourceRef,
    object: KubeObject,
    options: WriteOptions & { name?: string | undefined },
  ): Promise<KubeObject>;
  update(ref: ResourceRef, object: KubeObject, options: WriteOptions): Promise<KubeObject>;
  patch(
    ref: ResourceRef,
    name: string,
    patch: unknown,
    options: WriteOptions & { type: PatchType; force?: boolean | undefined },
  ): Promise<KubeObject>;
  delete(ref: ResourceRef, name: string, options: DeleteOptions): Promise<void>;
  deleteCollection(ref: ResourceRef, options: DeleteOptions & ListOptions): Promise<void>;
}

const bookmarkMs = 60_000;

/** A copy as the wire would make it: no undefined fields, nothing shared. */
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export function createInProcessClient(api: ApiOperations): KubeClient {
  async function* watch<T extends KubeObject>(
    ref: ResourceRef<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal, timeoutSeconds, ...query } = options;
    if (signal.aborted) return;
    let wake = (): void => {};
    let over = false;
    const end = (): void => {
      over = true;
      wake();
    };
    const source = api.watch(ref, query, () => wake());
    let due = false;
    const timer = timeoutSeconds ? setTimeout(end, timeoutSeconds * 1000) : undefined;
    const bookmarks = setInterval(() => {
      due = true;
      wake();
    }, bookmarkMs);
    signal.addEventListener("abort", end, { once: true });
    try {
      while (!over) {
        const item = source.next() ?? (due ? source.bookmark() : undefined);
        due = false;
        if (!item) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (over) resolve();
          });
          continue;
        }
        if (item.type === "ERROR") throw item.error;
        yield item as WatchEvent<T>;
      }
    } finally {
      source.stop();
      clearTimeout(timer);
      clearInterval(bookmarks);
      signal.removeEventListener("abort", end);
    }
  }

  const kinded = (ref: ResourceRef, obj: KubeObject): KubeObject => {
    const own = copy(obj);
    own.apiVersion ??= apiVersionOf(ref);
    own.kind ??= ref.kind;
    return own;
  };

  return {
    get: async <T extends KubeObject>(ref: ResourceRef<T>, name: string, at: At = {}) =>
      (await api.get(ref, name, at)) as T,
    list: async <T extends KubeObject>(ref: ResourceRef<T>, options: ListOptions = {}) =>
      api.list(ref, options) as KubeList<T>,
    watch,
    create: async <T extends KubeObject>(
      ref: ResourceRef<T>,
      object: KubeObject,
      options: WriteOptions & { name?: string | undefined } = {},
    ) => (await api.create(ref, options.subresource ? copy(object) : kinded(ref, object), options)) as T,
    update: async <T extends KubeObject>(ref: ResourceRef<T>, object: T, options: WriteOptions = {}) =>
      (await api.update(ref, kinded(ref, object), options)) as T,
    patch: async <T extends KubeObject>(
      ref: ResourceRef<T>,
      name: string,
      patch: unknown,
      options: WriteOptions & { type: PatchType; force?: boolean | undefined },
    ) => (await api.patch(ref, name, copy(patch), options)) as T,
    delete: (ref, name, options = {}) => api.delete(ref, name, options),
    deleteCollection: (ref, options = {}) => api.deleteCollection(ref, options),
  };
}
