// One HTTP request on a resource: method and path to verb, verb to the functions that do it, result to answer.
import type { ResourceDefinition, Verb } from "../../core/api/resource.ts";
import { badRequest, failure, invalid, methodNotAllowed, notFound } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KeyValue } from "../store/mod.ts";
import type { ApiCore, WriteContext } from "./context.ts";
import { storeKey, subjectOf, verbsOf } from "./registry.ts";
import {
  answerJson,
  answerList,
  answerOne,
  answerSubresource,
  answerWatch,
  checkAccept,
  createFrameCache,
  formOf,
} from "./representation/mod.ts";
import {
  type BodyKind,
  type DeleteOptionsBody,
  integer,
  listQuery,
  negotiate,
  patchTypeOf,
  type RequestInfo,
  type ResourceRequest,
  readBody,
  readDeleteOptions,
  truthy,
  warningLine,
  writeContext,
} from "./requests/mod.ts";
import { servedObject } from "./stored-object.ts";
import type { Subresources } from "./subresource.ts";
import {
  applyChange,
  createObject,
  deleteCollection,
  deletedStatus,
  deleteObject,
  listPage,
  matchNamespace,
  patchChange,
  readConfiguration,
  refuseImmortal,
  updateObject,
} from "./verbs/mod.ts";

const deleteOptionsKind: BodyKind = {
  anyVersion: true,
  group: "",
  version: "v1",
  kind: "DeleteOptions",
  model: "meta.v1.DeleteOptions",
};

/** Kinds whose deletion answers with the object rather than a Status. */
const returnsDeleted = new Set(["pods", "services", "serviceaccounts"]);

export interface ResourceHandlerOptions {
  core: ApiCore;
  subresources: Subresources;
  /** Milliseconds between bookmarks. */
  bookmarkMs: number;
  /** Random fraction for a watch's time when the client names none. */
  random(): number;
}

export function createResourceHandler(o: ResourceHandlerOptions): (r: ResourceRequest) => Promise<void> {
  const { core, subresources } = o;
  const frames = createFrameCache();

  function definitionOf(info: RequestInfo): ResourceDefinition {
    const def = core.registry.find(info.group, info.version, info.resource);
    if (!def || (info.namespace !== undefined && !def.namespaced))
      throw failure(404, "NotFound", "the server could not find the requested resource", {});
    return def;
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
      contentType:
        accepted.shape === "object"
          ? "application/json"
          : `application/json;as=${accepted.shape === "table" ? "Table" : "PartialObjectMetadata"};g=meta.k8s.io;v=${accepted.version}`,
    });
  }

  /** The body as an object of the kind. Throws StatusError. */
  async function readObject(r: ResourceRequest, kind: BodyKind, ctx: WriteContext): Promise<KubeObject> {
    return core.codec.decodeBody(await readBody(r.req), r.req.headers["content-type"], kind, ctx);
  }

  function checkName(r: ResourceRequest, obj: KubeObject): void {
    const { name } = r.info;
    if (!obj.metadata.name) obj.metadata.name = name;
    if (obj.metadata.name !== name)
      throw badRequest(
        `the name of the object (${obj.metadata.name}) does not match the name on the URL (${name})`,
      );
  }

  async function update(r: ResourceRequest, def: ResourceDefinition, ctx: WriteContext): Promise<void> {
    const { namespace, name, subresource } = r.info;
    const obj = await readObject(r, def, ctx);
    matchNamespace(def, obj, namespace);
    checkName(r, obj);
    const wanted = JSON.stringify(obj);
    let created = false;
    const missing =
      def.allowCreateOnUpdate && subresource === ""
        ? async (): Promise<KeyValue> => {
            created = true;
            return createObject(core, def, namespace, JSON.parse(wanted) as KubeObject, ctx);
          }
        : undefined;
    if (
      def.allowUnconditionalUpdate === false &&
      !obj.metadata.resourceVersion &&
      core.store.get(storeKey(def, namespace, name))
    )
      throw invalid(def, name, [
        {
          type: "FieldValueInvalid",
          field: "metadata.resourceVersion",
          value: 0,
          detail: "must be specified for an update",
        },
      ]);
    const change = (): KubeObject => JSON.parse(wanted) as KubeObject;
    const kv = await updateObject(
      core,
      { def, namespace, name, subresource, change, ...(missing ? { missing } : {}) },
      ctx,
    );
    answerOne(r, def, created ? 201 : 200, kv, core.now);
  }

  async function patch(r: ResourceRequest, def: ResourceDefinition, ctx: WriteContext): Promise<void> {
    const { namespace, name, subresource } = r.info;
    const type = patchTypeOf(r.req.headers["content-type"]);
    const body = await readBody(r.req);
    if (type === "apply") return apply(r, def, body.toString(), ctx);
    const patched = patchChange(core, def, type, body.toString(), ctx);
    const change = (current: KubeObject): KubeObject => {
      const obj = patched(current);
      checkName(r, obj);
      return obj;
    };
    answerOne(
      r,
      def,
      200,
      await updateObject(core, { def, namespace, name, subresource, change }, ctx),
      core.now,
    );
  }

  async function apply(
    r: ResourceRequest,
    def: ResourceDefinition,
    text: string,
    ctx: WriteContext,
  ): Promise<void> {
    const { namespace, name, subresource } = r.info;
    const configuration = await readConfiguration(text, ctx);
    const force = truthy(r.query.get("force"));
    const applied = applyChange(core, def, configuration, { subresource, force }, ctx);
    const change = (current: KubeObject | undefined): KubeObject => {
      const obj = applied(current);
      checkName(r, obj);
      return obj;
    };
    let created = false;
    const missing = async (): Promise<KeyValue> => {
      created = true;
      return createObject(core, def, namespace, change(undefined), ctx, "kept");
    };
    const kv = await updateObject(
      core,
      {
        def,
        namespace,
        name,
        subresource,
        change,
        owners: "kept",
        ...(subresource === "" ? { missing } : {}),
      },
      ctx,
    );
    answerOne(r, def, created ? 201 : 200, kv, core.now);
  }

  async function deleteOptions(r: ResourceRequest, ctx: WriteContext): Promise<DeleteOptionsBody> {
    const body = await readBody(r.req);
    let options: ReturnType<typeof readDeleteOptions> = {};
    if (body.length > 0) {
      const type = r.req.headers["content-type"];
      options = readDeleteOptions(await core.codec.decodeBody(body, type, deleteOptionsKind, ctx));
    }
    const q = r.query;
    options.gracePeriodSeconds ??= integer(q, "gracePeriodSeconds");
    options.propagationPolicy ??= q.get("propagationPolicy") ?? undefined;
    if (q.has("orphanDependents")) options.orphanDependents ??= truthy(q.get("orphanDependents"));
    if (options.dryRun?.includes("All")) ctx.dryRun = true;
    return options;
  }

  async function remove(r: ResourceRequest, def: ResourceDefinition, ctx: WriteContext): Promise<void> {
    const { namespace, name } = r.info;
    const options = await deleteOptions(r, ctx);
    refuseImmortal(def, name);
    const outcome = await deleteObject(core, def, namespace, name, options, ctx);
    if (outcome.kind === "pending") {
      const waits = options.orphanDependents === false;
      return answerOne(r, def, waits ? 202 : 200, outcome.kv, core.now);
    }
    if (def.group === "" && returnsDeleted.has(def.plural))
      return answerOne(r, def, 200, outcome.kv, core.now);
    answerJson(r.req, r.res, 200, deletedStatus(def, servedObject(def, outcome.kv)));
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
    if (method === "POST" || method === "PUT") body = await readObject(r, handler.body ?? def, ctx);
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
        return answerList(r, def, listPage(core.store, def, listQuery(query, info.namespace)), core.now);
      }
      if (def.namespaced && info.namespace === undefined && method === "POST") throw methodNotAllowed();
      const ctx = writeContext(r, def);
      checkAccept(r);
      if (method === "POST") {
        need(def, "create");
        const kv = await createObject(core, def, info.namespace, await readObject(r, def, ctx), ctx);
        return answerOne(r, def, 201, kv, core.now);
      }
      if (method === "DELETE") {
        need(def, "deletecollection");
        const options = await deleteOptions(r, ctx);
        return answerList(
          r,
          def,
          await deleteCollection(core, def, listQuery(query, info.namespace), options, ctx),
          core.now,
        );
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
      const kv = core.store.get(storeKey(def, info.namespace, info.name));
      if (!kv) throw notFound(subjectOf(def), info.name);
      return answerOne(r, def, 200, kv, core.now);
    }
    const ctx = writeContext(r, def);
    checkAccept(r);
    if (method === "PUT") return update(r, def, ctx);
    if (method === "PATCH") return patch(r, def, ctx);
    if (method === "DELETE" && info.subresource === "") {
      need(def, "delete");
      return remove(r, def, ctx);
    }
    throw methodNotAllowed();
  };
}

const _verbOf = (method: string): string =>
  ({ GET: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" })[method] ??
  method.toLowerCase();
