// The one interface through which every component speaks to the Kubernetes API. Two transports implement it: in-process
// (beside the API server) and HTTP (edge/http). Refusals are thrown as StatusError.
import type { ResourceRef } from "../../core/api/refs.ts";
import type { KubeList, KubeObject } from "../../core/api/types.ts";

export interface ListOptions {
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
}

export interface WatchOptions extends Omit<ListOptions, "limit" | "continue"> {
  allowWatchBookmarks?: boolean | undefined;
  /** Streaming list (KEP-3157): synthetic ADDED events, then a BOOKMARK annotated k8s.io/initial-events-end. */
  sendInitialEvents?: boolean | undefined;
  timeoutSeconds?: number | undefined;
  signal: AbortSignal;
}

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  | { type: "BOOKMARK"; object: T };

export interface At {
  namespace?: string | undefined;
  /** e.g. "status", "binding", "eviction". */
  subresource?: string | undefined;
}

export interface WriteOptions extends At {
  dryRun?: boolean | undefined;
  fieldManager?: string | undefined;
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

export interface DeleteOptions {
  namespace?: string | undefined;
  propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
  gracePeriodSeconds?: number | undefined;
  preconditions?: { uid?: string; resourceVersion?: string } | undefined;
}

/**
 * Objects handed out are shared with caches: treat them as deeply read-only and clone before changing.
 * A watch ends normally at its time-out or abort; an expired resourceVersion throws a StatusError (isExpired).
 */
export interface KubeClient {
  get<T extends KubeObject>(ref: ResourceRef<T>, name: string, at?: At): Promise<T>;
  list<T extends KubeObject>(ref: ResourceRef<T>, options?: ListOptions): Promise<KubeList<T>>;
  watch<T extends KubeObject>(ref: ResourceRef<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** With `name` and `subresource`: POST to the subresource (binding, eviction, token). */
  create<T extends KubeObject>(
    ref: ResourceRef<T>,
    object: KubeObject,
    options?: WriteOptions & { name?: string | undefined },
  ): Promise<T>;
  /** PUT; namespace and name come from the object. */
  update<T extends KubeObject>(ref: ResourceRef<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    ref: ResourceRef<T>,
    name: string,
    patch: unknown,
    options: WriteOptions & { type: PatchType; force?: boolean | undefined },
  ): Promise<T>;
  delete(ref: ResourceRef, name: string, options?: DeleteOptions): Promise<void>;
  deleteCollection(ref: ResourceRef, options?: DeleteOptions & ListOptions): Promise<void>;
}
