// The requests that change objects over HTTP: body to object or change, the verb's function, and the answer.
import type { ResourceDefinition } from "../../core/api/resource.ts";
import { badRequest, invalid } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KeyValue } from "../store/mod.ts";
import type { ApiCore, WriteContext } from "./context.ts";
import { storeKey } from "./registry.ts";
import { answerJson, answerList, answerOne } from "./representation/mod.ts";
import {
  type BodyKind,
  type DeleteOptionsBody,
  integer,
  listQuery,
  patchTypeOf,
  type ResourceRequest,
  readBody,
  readDeleteOptions,
  truthy,
} from "./requests/mod.ts";
import { servedObject } from "./stored-object.ts";
import {
  applyChange,
  createObject,
  deleteCollection,
  deletedStatus,
  deleteObject,
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
const returningDeleted = new Set(["pods", "services", "serviceaccounts"]);
const returnsDeleted = ({ group, plural }: ResourceDefinition): boolean =>
  group === "resource.k8s.io" || (group === "" && returningDeleted.has(plural));

type Write = (r: ResourceRequest, def: ResourceDefinition, ctx: WriteContext) => Promise<void>;

export interface ResourceWrites {
  /** The body as an object of the kind. Throws StatusError. */
  readObject(r: ResourceRequest, kind: BodyKind, ctx: WriteContext): Promise<KubeObject>;
  create: Write;
  update: Write;
  patch: Write;
  remove: Write;
  removeCollection: Write;
}

export function createResourceWrites(core: ApiCore): ResourceWrites {
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

  async function create(r: ResourceRequest, def: ResourceDefinition, ctx: WriteContext): Promise<void> {
    const kv = await createObject(core, def, r.info.namespace, await readObject(r, def, ctx), ctx);
    answerOne(r, def, 201, kv, core.now);
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
    if (returnsDeleted(def)) return answerOne(r, def, 200, outcome.kv, core.now);
    answerJson(r.req, r.res, 200, deletedStatus(def, servedObject(def, outcome.kv)));
  }

  async function removeCollection(
    r: ResourceRequest,
    def: ResourceDefinition,
    ctx: WriteContext,
  ): Promise<void> {
    const options = await deleteOptions(r, ctx);
    const page = await deleteCollection(core, def, listQuery(r.query, r.info.namespace), options, ctx);
    await answerList(r, def, page, core.now);
  }

  return { readObject, create, update, patch, remove, removeCollection };
}
