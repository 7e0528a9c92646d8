// One HTTP request on a resource: method and path to verb, verb to the functions that do it, result to answer.
import type { ResourceDefinition, Verb } from "../../core/api/resource.ts";
import { failure, methodNotAllowed, notFound } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import { computedStore, type Readable } from "./computed-store.ts";
import type { ApiCore } from "./context.ts";
import { storeKey, subjectOf, verbsOf } from "./registry.ts";
import {
  answerList,
  answerOne,
  answerSubresource,
  answerWatch,
  checkAccept,
  createFrameCache,
  formOf,
} from "./representation/mod.ts";
import {
  integer,
  listQuery,
  negotiate,
  patchTypeOf,
  type RequestInfo,
  type ResourceRequest,
  readBody,
  truthy,
  warningLine,
  writeContext,
} from "./requests/mod.ts";
import { createResourceWrites } from "./resource-writes.ts";
import type { Subresources } from "./subresource.ts";
import { listPage, patchChange } from "./verbs/mod.ts";

export interface ResourceHandlerOptions {
  core: ApiCore;
  subresources: Subresources;
  /** Milliseconds between bookmarks. */
  bookmarkMs: number;
  /** Random fraction for a watch's time when the client names none. */
  random(): number;
  /** Counts what watchers of that kind are told. */
  watchEvents(def: ResourceDefinition): { add(): void };
}

export function createResourceHandler(o: ResourceHandlerOptions): (r: ResourceRequest) => Promise<void> {
  const { core, subresources } = o;
  const writes = createResourceWrites(core);
  const frames = createFrameCache();

  function definitionOf(info: RequestInfo): ResourceDefinition {
    const def = core.registry.find(info.group, info.version, info.resource);
    if (!def || (info.namespace !== undefined && !def.namespaced))
      throw failure(404, "NotFound", "the server could not find the requested resource", {});
    return def;
  }

  /** Where the kind's objects are read. */
  function source(def: ResourceDefinition): Readable {
    const objects = core.computed?.(def);
    return objects ? computedStore(core.store, def, objects) : core.store;
  }

  function need(def: ResourceDefinition, verb: Verb): void {
    if (!verbsOf(def).includes(verb)) throw methodNotAllowed();
  }

  async function watch(r: ResourceRequest, def: ResourceDefinition): Promise<void> {
    need(def, "watch");
    const accepted = negotiate(r.req.headers.accept, ["table", "partial", "partial-list"]);
    const seconds = integer(r.query, "timeoutSeconds") ?? 0;
    const query = listQuery(r.query, r.info.namespace);
    if (r.info.name) query.fieldSelector = `metadata.name=${r.info.name}`;
    await answerWatch(r.req, r.res, {
      store: core.store,
      def,
      query: {
        ...query,
        allowWatchBookmarks: truthy(r.query.get("allowWatchBookmarks")),
      },
      timeoutMs: seconds > 0 ? seconds * 1000 : (1800 + o.random() * 1800) * 1000,
      bookmarkMs: o.bookmarkMs,
      form: formOf(def, accepted, r.query, core.now),
      frames,
      events: o.watchEvents(def),
      contentType:
        accepted.shape === "object"
          ? "application/json"
          : `application/json;as=${accepted.shape === "table" ? "Table" : "PartialObjectMetadata"};g=meta.k8s.io;v=${accepted.version}`,
    });
  }

  async function onSubresource(r: ResourceRequest, def: ResourceDefinition): Promise<void> {
    const { namespace, name, subresource } = r.info;
    const handler = subresources.find(def, subresource);
    if (!handler) throw failure(404, "NotFound", "the server could not find the requested resource", {});
    const method = r.req.method as "GET" | "POST" | "PUT" | "PATCH";
    if (!["GET", "POST", "PUT", "PATCH"].includes(method) || !handler[method]) throw methodNotAllowed();
    const ctx = writeContext(r, def);
    let body: unknown;
    let patchOf: ((current: unknown) => unknown) | undefined;
    if (method === "POST" || method === "PUT") body = await writes.readObject(r, handler.body ?? def, ctx);
    if (method === "PATCH") {
      const type = patchTypeOf(r.req.headers["content-type"]);
      const text = (await readBody(r.req)).toString();
      patchOf = (current) => patchChange(core, handler.body ?? def, type, text, ctx)(current as KubeObject);
    }
    const answer = await subresources.call(
      { def, namespace, name, subresource, method, context: ctx, ...(patchOf ? { patch: patchOf } : {}) },
      body,
    );
    answerSubresource(r, answer, core.now);
  }

  return async function handle(r) {
    const { info, req, query } = r;
    const def = definitionOf(info);
    if (def.deprecation) r.res.setHeader("Warning", warningLine(def.deprecation));
    const method = req.method ?? "GET";
    if (info.name === "") {
      if (method === "GET" || method === "HEAD") {
        if (info.legacyWatch || truthy(query.get("watch"))) return watch(r, def);
        need(def, "list");
        return answerList(r, def, listPage(source(def), def, listQuery(query, info.namespace)), core.now);
      }
      if (def.namespaced && info.namespace === undefined && method === "POST") throw methodNotAllowed();
      const ctx = writeContext(r, def);
      checkAccept(r);
      if (method === "POST") {
        need(def, "create");
        return writes.create(r, def, ctx);
      }
      if (method === "DELETE") {
        need(def, "deletecollection");
        return writes.removeCollection(r, def, ctx);
      }
      throw methodNotAllowed();
    }
    if (def.namespaced && info.namespace === undefined)
      throw failure(404, "NotFound", "the server could not find the requested resource", {});
    if (info.subresource !== "" && info.subresource !== "status") return onSubresource(r, def);
    if (info.subresource === "status" && !def.subresources?.some((s) => s.name === "status"))
      throw failure(404, "NotFound", "the server could not find the requested resource", {});
    if (method === "GET" || method === "HEAD") {
      if (info.legacyWatch || truthy(query.get("watch"))) return watch(r, def);
      const kv = source(def).get(storeKey(def, info.namespace, info.name));
      if (!kv) throw notFound(subjectOf(def), info.name);
      return answerOne(r, def, 200, kv, core.now);
    }
    if (method === "PUT" || method === "PATCH") need(def, method === "PUT" ? "update" : "patch");
    const ctx = writeContext(r, def);
    checkAccept(r);
    if (method === "PUT") return writes.update(r, def, ctx);
    if (method === "PATCH") return writes.patch(r, def, ctx);
    if (method === "DELETE" && info.subresource === "") {
      need(def, "delete");
      return writes.remove(r, def, ctx);
    }
    throw methodNotAllowed();
  };
}
