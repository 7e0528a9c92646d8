// The Kubernetes API over HTTPS: KubeClient for every component that does not live beside the API server.
// Specification: Kubernetes API concepts (resource URIs, watches, patches) as client-go speaks them.
import type {
  At,
  DeleteOptions,
  KubeClient,
  ListOptions,
  PatchType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../../control/client/mod.ts";
import { apiVersionOf, type ResourceRef, resourcePath } from "../../core/api/refs.ts";
import { type Status, StatusError } from "../../core/api/status.ts";
import type { KubeList, KubeObject } from "../../core/api/types.ts";
import { createTransport, type ServerTarget, type TransportLimits } from "./_transport.ts";
import { parseLines } from "./watch-lines.ts";

export interface HttpClientOptions extends ServerTarget, TransportLimits {}

export interface HttpClient extends KubeClient {
  /** Closes every connection; requests under way fail. */
  close(): void;
}

const patchTypes: Record<PatchType, string> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

type Query = Record<string, string | number | boolean | undefined>;

function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "" && value !== false) params.set(name, String(value));
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

function selection(o: ListOptions): Query {
  return {
    labelSelector: o.labelSelector,
    fieldSelector: o.fieldSelector,
    limit: o.limit,
    continue: o.continue,
    resourceVersion: o.resourceVersion,
  };
}

function writing(o: WriteOptions): Query {
  return { dryRun: o.dryRun ? "All" : undefined, fieldManager: o.fieldManager };
}

function deleteBody(o: DeleteOptions): unknown {
  const { propagationPolicy, gracePeriodSeconds, preconditions } = o;
  return { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy, gracePeriodSeconds, preconditions };
}

/** Items of a list may come without apiVersion and kind; a write names them. */
function named(ref: ResourceRef, object: KubeObject): KubeObject {
  return object.kind && object.apiVersion
    ? object
    : { ...object, apiVersion: apiVersionOf(ref), kind: ref.kind };
}

/**
 * A client for one API server. Refusals are StatusErrors; a server that cannot be reached or does not answer in time
 * is an Error that names the request. A watch ends normally at its time-out or abort, and throws when it is cut off.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const transport = createTransport(options, options);

  async function* watch<T extends KubeObject>(
    ref: ResourceRef<T>,
    o: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal } = o;
    if (signal.aborted) return;
    const path = withQuery(resourcePath(ref, { namespace: o.namespace }), {
      ...selection(o),
      watch: true,
      allowWatchBookmarks: o.allowWatchBookmarks,
      sendInitialEvents: o.sendInitialEvents,
      resourceVersionMatch: o.sendInitialEvents ? "NotOlderThan" : undefined,
      timeoutSeconds: o.timeoutSeconds,
    });
    // The server ends a watch at timeoutSeconds; one that is silent well past that has lost its connection.
    const limit = new AbortController();
    const stop = (): void => limit.abort();
    signal.addEventListener("abort", stop, { once: true });
    const overdue = o.timeoutSeconds === undefined ? undefined : (o.timeoutSeconds + 30) * 1000;
    const timer = overdue === undefined ? undefined : setTimeout(stop, overdue);
    try {
      const response = await transport.open({ method: "GET", path }, limit.signal);
      try {
        for await (const value of parseLines(response)) {
          const event = value as WatchEvent<T> | { type: "ERROR"; object: Status };
          if (event.type === "ERROR") throw new StatusError(event.object);
          yield event;
        }
      } finally {
        response.destroy();
      }
    } catch (error) {
      if (limit.signal.aborted) return;
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  return {
    async get<T extends KubeObject>(ref: ResourceRef<T>, name: string, at: At = {}) {
      const path = resourcePath(ref, { namespace: at.namespace, name, subresource: at.subresource });
      return (await transport.json({ method: "GET", path })) as T;
    },
    async list<T extends KubeObject>(ref: ResourceRef<T>, o: ListOptions = {}) {
      const path = withQuery(resourcePath(ref, { namespace: o.namespace }), selection(o));
      return (await transport.json({ method: "GET", path })) as KubeList<T>;
    },
    watch,
    async create<T extends KubeObject>(
      ref: ResourceRef<T>,
      object: KubeObject,
      o: WriteOptions & { name?: string | undefined } = {},
    ) {
      const namespace = o.namespace ?? object.metadata?.namespace;
      const path = resourcePath(ref, { namespace, name: o.name, subresource: o.subresource });
      const body = o.subresource ? object : named(ref, object);
      return (await transport.json({ method: "POST", path: withQuery(path, writing(o)), body })) as T;
    },
    async update<T extends KubeObject>(ref: ResourceRef<T>, object: T, o: WriteOptions = {}) {
      const { namespace = o.namespace, name } = object.metadata;
      const path = resourcePath(ref, { namespace, name, subresource: o.subresource });
      const body = named(ref, object);
      return (await transport.json({ method: "PUT", path: withQuery(path, writing(o)), body })) as T;
    },
    async patch<T extends KubeObject>(
      ref: ResourceRef<T>,
      name: string,
      patch: unknown,
      o: WriteOptions & { type: PatchType; force?: boolean | undefined },
    ) {
      const path = resourcePath(ref, { namespace: o.namespace, name, subresource: o.subresource });
      return (await transport.json({
        method: "PATCH",
        path: withQuery(path, { ...writing(o), force: o.force }),
        body: patch,
        contentType: patchTypes[o.type],
      })) as T;
    },
    async delete(ref, name, o: DeleteOptions = {}) {
      const path = resourcePath(ref, { namespace: o.namespace, name });
      await transport.json({ method: "DELETE", path, body: deleteBody(o) });
    },
    async deleteCollection(ref, o = {}) {
      const path = withQuery(resourcePath(ref, { namespace: o.namespace }), selection(o));
      await transport.json({ method: "DELETE", path, body: deleteBody(o) });
    },
    close: transport.close,
  };
}
