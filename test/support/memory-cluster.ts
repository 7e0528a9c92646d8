// An in-memory KubeClient for tests of loops: revisions, uids, generations, conflicts, finalizers, graceful pod deletion and
// watches from a revision behave as the API server's; there is no validation, defaulting or admission.
import { randomUUID } from "node:crypto";
import type { At, KubeClient, ListOptions, WatchEvent, WatchOptions } from "../../src/control/client/mod.ts";
import { apiVersionOf, type ResourceRef } from "../../src/core/api/refs.ts";
import {
  parseFieldSelector,
  parseLabelSelector,
  requirementsMatch,
} from "../../src/core/api/selector/mod.ts";
import { alreadyExists, expired, modifiedConflict, notFound } from "../../src/core/api/status.ts";
import type { KubeList, KubeObject } from "../../src/core/api/types.ts";

type Json = Record<string, unknown>;
type Verb = "create" | "update" | "patch" | "delete";

interface Change {
  revision: number;
  resource: string;
  event: WatchEvent;
}

export interface MemoryCluster extends KubeClient {
  /** Every write so far, in order. */
  readonly writes: { verb: Verb; resource: string; name: string; subresource: string | undefined }[];
  /** Called before each write; what it throws is the answer. May wait. */
  before(hook: (verb: Verb, ref: ResourceRef, object: KubeObject | undefined) => void | Promise<void>): void;
  /** Milliseconds by which watch events lag behind writes. */
  lag: number;
  /** Forgets history: watches from older revisions expire. */
  compact(): void;
  /** Changes a stored object in place as some other client would. */
  change<T extends KubeObject>(ref: ResourceRef<T>, key: string, change: (obj: T) => void): T;
  /** Stores an object (status included) as it is given. */
  put<T extends KubeObject>(ref: ResourceRef<T>, obj: T): T;
  all<T extends KubeObject>(ref: ResourceRef<T>): T[];
  find<T extends KubeObject>(ref: ResourceRef<T>, key: string): T | undefined;
  /** Removes an object at once, whatever its grace period or finalizers. */
  remove(ref: ResourceRef, key: string): void;
}

const isObject = (v: unknown): v is Json => typeof v === "object" && v !== null && !Array.isArray(v);

/** Merge patch, with owner references and conditions merged by their key as a strategic merge patch does. */
function merge(target: unknown, patch: unknown, strategic: boolean): unknown {
  if (strategic && Array.isArray(patch) && patch.some((p) => isObject(p) && ("uid" in p || "type" in p))) {
    if (patch.some((p) => isObject(p) && p.$patch === "replace"))
      return patch.filter((p) => !(isObject(p) && p.$patch === "replace"));
    const key = patch.some((p) => isObject(p) && "uid" in p) ? "uid" : "type";
    let out = Array.isArray(target) ? [...(target as Json[])] : [];
    for (const p of patch as Json[]) {
      const i = out.findIndex((o) => o[key] === p[key]);
      if (p.$patch === "delete") out = out.filter((o) => o[key] !== p[key]);
      else if (i >= 0) out[i] = merge(out[i], p, strategic) as Json;
      else out.push(p);
    }
    return out;
  }
  if (!isObject(patch)) return patch;
  const out: Json = isObject(target) ? { ...target } : {};
  for (const [k, v] of Object.entries(patch)) {
    if (v === null) delete out[k];
    else out[k] = merge(out[k], v, strategic);
  }
  return out;
}

const isPod = (ref: ResourceRef): boolean => ref.group === "" && ref.resource === "pods";
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const time = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

export function createMemoryCluster(): MemoryCluster {
  const stores = new Map<string, Map<string, KubeObject>>();
  const history: Change[] = [];
  const wakers = new Set<() => void>();
  /** What remains of lists that are read page by page, by continue token. */
  const pages = new Map<string, { resourceVersion: string; items: KubeObject[] }>();
  let revision = 100;
  let compacted = 0;
  let hook: Parameters<MemoryCluster["before"]>[0] = () => {};

  const idOf = (ref: ResourceRef): string => `${apiVersionOf(ref)}/${ref.resource}`;
  function storeOf(ref: ResourceRef): Map<string, KubeObject> {
    let s = stores.get(idOf(ref));
    if (!s) {
      s = new Map();
      stores.set(idOf(ref), s);
    }
    return s;
  }
  const keyOf = (ref: ResourceRef, ns: string | undefined, name: string): string =>
    ref.namespaced ? `${ns ?? "default"}/${name}` : name;

  function publish(ref: ResourceRef, type: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): void {
    history.push({ revision, resource: idOf(ref), event: { type, object } });
    const wake = (): void => {
      for (const w of [...wakers]) w();
    };
    cluster.lag > 0 ? setTimeout(wake, cluster.lag).unref() : wake();
  }

  function save(ref: ResourceRef, obj: KubeObject): KubeObject {
    const key = keyOf(ref, obj.metadata.namespace, obj.metadata.name!);
    const old = storeOf(ref).get(key);
    revision++;
    const stored = structuredClone(obj);
    stored.metadata.resourceVersion = String(revision);
    if (stored.metadata.deletionTimestamp && !stored.metadata.finalizers?.length && !isPod(ref)) {
      storeOf(ref).delete(key);
      publish(ref, "DELETED", stored);
      return stored;
    }
    storeOf(ref).set(key, stored);
    publish(ref, old ? "MODIFIED" : "ADDED", stored);
    return stored;
  }

  function removeKey(ref: ResourceRef, key: string): void {
    const old = storeOf(ref).get(key);
    if (!old) return;
    storeOf(ref).delete(key);
    revision++;
    publish(ref, "DELETED", { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } });
  }

  function stored(ref: ResourceRef, ns: string | undefined, name: string): KubeObject {
    const obj = storeOf(ref).get(keyOf(ref, ns, name));
    if (!obj) throw notFound(ref, name);
    return obj;
  }

  function write(ref: ResourceRef, next: KubeObject, old: KubeObject, subresource?: string): KubeObject {
    const rv = next.metadata.resourceVersion;
    if (rv && rv !== old.metadata.resourceVersion) throw modifiedConflict(ref, old.metadata.name!);
    if (next.metadata.uid && next.metadata.uid !== old.metadata.uid)
      throw modifiedConflict(ref, old.metadata.name!);
    const { status: newStatus, ...rest } = next as KubeObject & { status?: unknown };
    const { status: oldStatus, ...oldRest } = old as KubeObject & { status?: unknown };
    const body =
      subresource === "status" ? { ...oldRest, status: newStatus } : { ...rest, status: oldStatus };
    const out = structuredClone(body) as unknown as KubeObject & { spec?: unknown };
    // The status endpoint takes annotations and finalizers too, as the API server's does.
    if (subresource === "status" && next.metadata.annotations)
      out.metadata.annotations = structuredClone(next.metadata.annotations);
    if (subresource === "status" && next.metadata.finalizers)
      out.metadata.finalizers = [...next.metadata.finalizers];
    if (out.metadata.generation && !same((old as { spec?: unknown }).spec, out.spec))
      out.metadata.generation = (old.metadata.generation ?? 0) + 1;
    out.metadata.uid = old.metadata.uid!;
    out.metadata.creationTimestamp = old.metadata.creationTimestamp!;
    if (old.metadata.deletionTimestamp) out.metadata.deletionTimestamp = old.metadata.deletionTimestamp;
    if (same({ ...out, status: null }, { ...old, status: null }) && same(out, old)) return old;
    return save(ref, out);
  }

  function matches(obj: KubeObject, o: ListOptions): boolean {
    if (o.namespace && obj.metadata.namespace !== o.namespace) return false;
    if (o.labelSelector && !requirementsMatch(parseLabelSelector(o.labelSelector), obj.metadata.labels))
      return false;
    for (const r of o.fieldSelector ? parseFieldSelector(o.fieldSelector) : []) {
      const value = r.field.split(".").reduce<unknown>((v, k) => (isObject(v) ? v[k] : undefined), obj) ?? "";
      if ((value === r.value) !== (r.operator === "=")) return false;
    }
    return true;
  }

  async function noted(
    verb: Verb,
    ref: ResourceRef,
    name: string,
    at: At | undefined,
    object?: KubeObject,
  ): Promise<void> {
    await hook(verb, ref, object);
    cluster.writes.push({ verb, resource: ref.resource, name, subresource: at?.subresource });
  }

  const cluster: MemoryCluster = {
    writes: [],
    lag: 0,
    before(h) {
      hook = h;
    },
    compact() {
      compacted = revision;
      pages.clear();
      history.length = 0;
      for (const w of [...wakers]) w();
    },
    change(ref, key, change) {
      const copy = structuredClone(storeOf(ref).get(key)) as KubeObject;
      change(copy as never);
      return save(ref, copy) as never;
    },
    put(ref, obj) {
      const copy = structuredClone(obj) as KubeObject;
      copy.metadata.uid ??= randomUUID();
      copy.metadata.creationTimestamp ??= time() as never;
      copy.metadata.generation ??= 1;
      if (ref.namespaced) copy.metadata.namespace ??= "default";
      return save(ref, copy) as never;
    },
    all: (ref) => [...storeOf(ref).values()] as never,
    find: (ref, key) => storeOf(ref).get(key) as never,
    remove: removeKey,
    async get(ref, name, at) {
      return stored(ref, at?.namespace, name) as never;
    },
    async list(ref, options = {}) {
      const all = options.continue
        ? pages.get(options.continue)
        : { resourceVersion: String(revision), items: [...storeOf(ref).values()] };
      if (!all) throw expired("The provided continue parameter is too old");
      const found = all.items.filter((o) => matches(o, options));
      const items = found.slice(0, options.limit);
      const { resourceVersion } = all;
      const metadata: KubeList["metadata"] = { resourceVersion };
      if (items.length < found.length) {
        metadata.continue = randomUUID();
        pages.set(metadata.continue, { resourceVersion, items: found.slice(items.length) });
      }
      return { apiVersion: apiVersionOf(ref), kind: `${ref.kind}List`, metadata, items } as KubeList as never;
    },
    async *watch(ref: ResourceRef, options: WatchOptions) {
      const { signal } = options;
      let at = Number(options.resourceVersion ?? revision);
      while (!signal.aborted) {
        if (at < compacted) throw expired(`too old resource version: ${at} (${compacted})`);
        const wait = new Promise<void>((resolve) => {
          const done = (): void => {
            wakers.delete(done);
            signal.removeEventListener("abort", done);
            resolve();
          };
          wakers.add(done);
          signal.addEventListener("abort", done);
        });
        for (const change of history.filter((c) => c.revision > at)) {
          at = change.revision;
          if (change.resource === idOf(ref) && matches(change.event.object, options))
            yield change.event as never;
        }
        await wait;
      }
    },
    async create(ref, object, options = {}) {
      await noted("create", ref, options.name ?? object.metadata.name ?? "", options, object);
      if (options.subresource === "binding") {
        const pod = structuredClone(stored(ref, options.namespace, options.name!)) as KubeObject & {
          spec: { nodeName?: string };
        };
        pod.spec.nodeName = (object as unknown as { target: { name: string } }).target.name;
        save(ref, pod);
        return object as never;
      }
      const obj = structuredClone(object);
      obj.apiVersion = apiVersionOf(ref);
      obj.kind = ref.kind;
      if (!obj.metadata.name)
        obj.metadata.name = `${obj.metadata.generateName}${Math.random().toString(36).slice(2, 7)}`;
      if (ref.namespaced) obj.metadata.namespace ??= options.namespace ?? "default";
      if (storeOf(ref).has(keyOf(ref, obj.metadata.namespace, obj.metadata.name)))
        throw alreadyExists(ref, obj.metadata.name);
      obj.metadata.uid = randomUUID();
      obj.metadata.creationTimestamp = time() as never;
      obj.metadata.generation = 1;
      delete obj.metadata.resourceVersion;
      return save(ref, obj) as never;
    },
    async update(ref, object, options = {}) {
      await noted("update", ref, object.metadata.name!, options, object);
      const old = stored(ref, object.metadata.namespace, object.metadata.name!);
      return write(ref, object, old, options.subresource) as never;
    },
    async patch(ref, name, patch, options) {
      await noted("patch", ref, name, options, patch as KubeObject);
      const old = stored(ref, options.namespace, name);
      const next = merge(old, patch, options.type === "strategic") as KubeObject;
      return write(ref, next, old, options.subresource) as never;
    },
    async delete(ref, name, options = {}) {
      await noted("delete", ref, name, undefined);
      const old = stored(ref, options.namespace, name);
      const uid = options.preconditions?.uid;
      if (uid && uid !== old.metadata.uid) throw modifiedConflict(ref, name);
      const next = structuredClone(old);
      const finalizers = new Set(next.metadata.finalizers ?? []);
      if (options.propagationPolicy === "Orphan") finalizers.add("orphan");
      if (options.propagationPolicy === "Foreground") finalizers.add("foregroundDeletion");
      next.metadata.finalizers = [...finalizers];
      const graceful = isPod(ref) && (old as { spec?: { nodeName?: string } }).spec?.nodeName;
      if (options.gracePeriodSeconds !== 0 && (finalizers.size > 0 || graceful)) {
        if (next.metadata.deletionTimestamp) return;
        next.metadata.deletionTimestamp = time() as never;
        save(ref, next);
      } else removeKey(ref, keyOf(ref, options.namespace, name));
    },
    async deleteCollection(ref, options = {}) {
      for (const o of [...storeOf(ref).values()].filter((x) => matches(x, options)))
        await cluster.delete(ref, o.metadata.name!, { ...options, namespace: o.metadata.namespace });
    },
  };
  return cluster;
}
