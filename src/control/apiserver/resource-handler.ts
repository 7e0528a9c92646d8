// One HTTP request on a resource: method and path to verb, query to options, result to answer.
import type { IncomingMessage, ServerResponse } from "node:http";
import { managerOf } from "../../core/api/apply/mod.ts";
import type { ResourceDefinition, Verb } from "../../core/api/resource.ts";
import { badRequest, failure, invalid, methodNotSupported, notFound } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KeyValue } from "../store/mod.ts";
import { answerJson, answerObject, answerStored } from "./answer.ts";
import { applyChange, readConfiguration } from "./apply-change.ts";
import type { BodyKind } from "./codec.ts";
import type { ApiCore, FieldValidation, UserInfo, WriteContext } from "./context.ts";
import { createObject, matchNamespace } from "./create.ts";
import {
  type DeleteOptionsBody,
  deletedStatus,
  deleteObject,
  readDeleteOptions,
  refuseImmortal,
} from "./delete.ts";
import { deleteCollection } from "./delete-collection.ts";
import { type ListPage, type ListQuery, listPage } from "./list.ts";
import { answerItems, answerObjectList, listMetadata, shownItems } from "./list-response.ts";
import { type Accepted, negotiate } from "./negotiate.ts";
import { patchTypeOf } from "./patch.ts";
import { patchChange } from "./patch-change.ts";
import { apiVersionOfDefinition, storeKey, subjectOf, verbsOf } from "./registry.ts";
import { readBody } from "./request-body.ts";
import type { RequestInfo } from "./request-info.ts";
import { servedBytes, servedObject } from "./stored-object.ts";
import type { Subresources } from "./subresource.ts";
import { columnDefinition, type IncludeObject, partialMetadata, table, tableRow } from "./table.ts";
import { updateObject } from "./update.ts";
import { createFrameCache, type Form } from "./watch-frames.ts";
import { answerWatch } from "./watch-response.ts";
import { checkWriteOptions } from "./write-options.ts";

export interface ResourceRequest {
  req: IncomingMessage;
  res: ServerResponse;
  info: RequestInfo;
  query: URLSearchParams;
  user: UserInfo;
}

const truthy = (v: string | null): boolean => v !== null && v !== "" && v !== "false" && v !== "0";

const deleteOptionsKind: BodyKind = {
  anyVersion: true,
  group: "",
  version: "v1",
  kind: "DeleteOptions",
  model: "meta.v1.DeleteOptions",
};

/** Kinds whose deletion answers with the object rather than a Status. */
const returnsDeleted = new Set(["pods", "services", "serviceaccounts"]);

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d{1,15}$/.test(text))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function listQuery(query: URLSearchParams, namespace: string | undefined): ListQuery {
  return {
    namespace,
    labelSelector: query.get("labelSelector") ?? undefined,
    fieldSelector: query.get("fieldSelector") ?? undefined,
    limit: integer(query, "limit"),
    continue: query.get("continue") ?? undefined,
    resourceVersion: query.get("resourceVersion") ?? undefined,
    resourceVersionMatch: query.get("resourceVersionMatch") ?? undefined,
  };
}

/** RFC 7234 5.5: code 299, no agent, the text quoted. */
const warningLine = (text: string): string =>
  `299 - "${text.replace(/[\\"]/g, "\\$&").replace(/[^\x20-\x7e]/g, "?")}"`;

function writeContext(
  { req, res, query, user }: ResourceRequest,
  def: Pick<ResourceDefinition, "deprecation">,
): WriteContext {
  const patchType = req.method === "PATCH" ? patchTypeOf(req.headers["content-type"]) : undefined;
  checkWriteOptions(req.method ?? "", query, patchType);
  const validation = query.get("fieldValidation") ?? "";
  const warnings = new Set<string>(def.deprecation ? [def.deprecation] : []);
  return {
    user,
    dryRun: query.getAll("dryRun").includes("All"),
    fieldManager: managerOf(query.get("fieldManager"), req.headers["user-agent"]),
    fieldValidation: (validation || "Warn") as FieldValidation,
    warn(text) {
      if (warnings.size >= 50) return;
      warnings.add(text);
      if (!res.headersSent) res.setHeader("Warning", [...warnings].map(warningLine));
    },
  };
}

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
    if (!verbsOf(def).includes(verb)) throw methodNotSupported(subjectOf(def), verb);
  }

  function formOf(def: ResourceDefinition, accepted: Accepted, query: URLSearchParams): Form {
    const { shape, version } = accepted;
    if (shape === "object") return { id: "", show: undefined };
    if (shape === "partial" || shape === "partial-list")
      return { id: `partial ${version}`, show: (obj) => partialMetadata(obj, version) };
    const options = { version, includeObject: includeObject(query) };
    return {
      id: `table ${version} ${options.includeObject}`,
      show: (obj) => {
        // A bookmark is a Table too: no cells, only the resourceVersion.
        const meta = { resourceVersion: obj.metadata.resourceVersion };
        const bookmark = obj.metadata.uid === undefined;
        const row = bookmark
          ? { cells: def.columns.map(() => ""), object: partialMetadata(obj, version) }
          : tableRow(def, obj, { ...options, now: core.now() });
        return table(def, [row], meta, version);
      },
    };
  }

  function includeObject(query: URLSearchParams): IncludeObject {
    const v = query.get("includeObject") ?? "";
    if (v === "" || v === "Metadata") return "Metadata";
    if (v === "Object" || v === "None") return v;
    throw badRequest(
      `invalid includeObject value ${JSON.stringify(v)}: supported values: "None", "Metadata", "Object"`,
    );
  }

  function answerOne(r: ResourceRequest, def: ResourceDefinition, code: number, kv: KeyValue): void {
    const accepted = negotiate(r.req.headers.accept, ["table", "partial"]);
    if (accepted.shape === "object" && accepted.media === "application/json")
      answerStored(r.req, r.res, code, servedBytes(def, kv));
    else if (accepted.shape === "object")
      answerObject(r.req, r.res, code, accepted.media, servedObject(def, kv));
    else
      answerObject(
        r.req,
        r.res,
        code,
        accepted.media,
        formOf(def, accepted, r.query).show!(servedObject(def, kv)),
      );
  }

  async function answerList(r: ResourceRequest, def: ResourceDefinition, page: ListPage): Promise<void> {
    const accepted = negotiate(r.req.headers.accept, ["table", "partial-list"]);
    const metadata = listMetadata(page);
    if (accepted.media === "application/yaml") {
      const items = page.items.map((kv) => servedObject(def, kv));
      answerObject(r.req, r.res, 200, accepted.media, {
        kind: `${def.kind}List`,
        apiVersion: apiVersionOfDefinition(def),
        metadata,
        items,
      });
      return;
    }
    if (accepted.shape === "object") return answerObjectList(r.req, r.res, def, page);
    if (accepted.shape === "table") {
      const options = { version: accepted.version, includeObject: includeObject(r.query), now: core.now() };
      const columns = JSON.stringify(def.columns.map(columnDefinition));
      const head = `{"kind":"Table","apiVersion":"meta.k8s.io/${accepted.version}","metadata":${JSON.stringify(metadata)},"columnDefinitions":${columns},"rows":[`;
      const rows = shownItems(page, (kv) => tableRow(def, servedObject(def, kv), options));
      return answerItems(r.res, "application/json", head, rows, "]}\n");
    }
    const head = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${accepted.version}","metadata":${JSON.stringify(metadata)},"items":[`;
    const items = shownItems(page, (kv) => partialMetadata(servedObject(def, kv), accepted.version));
    return answerItems(r.res, "application/json", head, items, "]}\n");
  }

  async function watch(r: ResourceRequest, def: ResourceDefinition): Promise<void> {
    need(def, "watch");
    const accepted = negotiate(r.req.headers.accept, ["table", "partial", "partial-list"]);
    const seconds = integer(r.query, "timeoutSeconds") ?? 0;
    const query = listQuery(r.query, r.info.namespace);
    if (r.info.name) query.fieldSelector = `metadata.name=${r.info.name}`;
    const initial = r.query.get("sendInitialEvents");
    await answerWatch(r.req, r.res, {
      store: core.store,
      def,
      query: {
        ...query,
        allowWatchBookmarks: truthy(r.query.get("allowWatchBookmarks")),
        sendInitialEvents: initial === null || initial === "" ? undefined : truthy(initial),
      },
      timeoutMs: seconds > 0 ? seconds * 1000 : (1800 + o.random() * 1800) * 1000,
      bookmarkMs: o.bookmarkMs,
      form: formOf(def, accepted, r.query),
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
    answerOne(r, def, created ? 201 : 200, kv);
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
    answerOne(r, def, 200, await updateObject(core, { def, namespace, name, subresource, change }, ctx));
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
    answerOne(r, def, created ? 201 : 200, kv);
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
      return answerOne(r, def, waits ? 202 : 200, outcome.kv);
    }
    if (def.group === "" && returnsDeleted.has(def.plural)) return answerOne(r, def, 200, outcome.kv);
    answerJson(r.req, r.res, 200, deletedStatus(def, servedObject(def, outcome.kv)));
  }

  async function onSubresource(r: ResourceRequest, def: ResourceDefinition): Promise<void> {
    const { namespace, name, subresource } = r.info;
    const handler = subresources.find(def, subresource);
    if (!handler) throw failure(404, "NotFound", "the server could not find the requested resource", {});
    const method = r.req.method as "GET" | "POST" | "PUT" | "PATCH";
    if (!["GET", "POST", "PUT", "PATCH"].includes(method) || !handler[method])
      throw methodNotSupported(subjectOf(def), verbOf(method));
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
    const accepted = negotiate(r.req.headers.accept, []);
    answerObject(r.req, r.res, answer.code, accepted.media, answer.object);
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
        return answerList(r, def, listPage(core.store, def, listQuery(query, info.namespace)));
      }
      if (def.namespaced && info.namespace === undefined && method === "POST")
        throw methodNotSupported(subjectOf(def), "create");
      const ctx = writeContext(r, def);
      if (method === "POST") {
        need(def, "create");
        const kv = await createObject(core, def, info.namespace, await readObject(r, def, ctx), ctx);
        return answerOne(r, def, 201, kv);
      }
      if (method === "DELETE") {
        need(def, "deletecollection");
        const options = await deleteOptions(r, ctx);
        return answerList(
          r,
          def,
          await deleteCollection(core, def, listQuery(query, info.namespace), options, ctx),
        );
      }
      throw methodNotSupported(subjectOf(def), verbOf(method));
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
      return answerOne(r, def, 200, kv);
    }
    const ctx = writeContext(r, def);
    if (method === "PUT") return update(r, def, ctx);
    if (method === "PATCH") return patch(r, def, ctx);
    if (method === "DELETE" && info.subresource === "") {
      need(def, "delete");
      return remove(r, def, ctx);
    }
    throw methodNotSupported(subjectOf(def), verbOf(method));
  };
}

const verbOf = (method: string): string =>
  ({ GET: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" })[method] ??
  method.toLowerCase();
