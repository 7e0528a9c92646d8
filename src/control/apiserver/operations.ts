// The verbs on objects, as callers in this process use them: the same functions that HTTP requests end in.
import type { ResourceRef } from "../../core/api/refs.ts";
import type { ResourceDefinition } from "../../core/api/resource.ts";
import { failure, notFound } from "../../core/api/status.ts";
import type { KubeList, KubeObject } from "../../core/api/types.ts";
import type { ApiOperations } from "../client/in-process.ts";
import type { KeyValue } from "../store/mod.ts";
import type { ApiCore, UserInfo, WriteContext } from "./context.ts";
import { apiVersionOfDefinition, storeKey, subjectOf } from "./registry.ts";
import { bookmarkObject, listMetadata } from "./representation/mod.ts";
import { servedObject } from "./stored-object.ts";
import type { Subresources } from "./subresource.ts";
import {
  applyChange,
  createObject,
  deleteCollection,
  deleteObject,
  listPage,
  openWatch,
  patchChange,
  refuseImmortal,
  updateObject,
} from "./verbs/mod.ts";

/** The server's own name for what runs beside it. */
const loopbackUser: UserInfo = {
  name: "system:apiserver",
  uid: "",
  groups: ["system:masters", "system:authenticated"],
  extra: {},
};

export function createOperations(core: ApiCore, subresources: Subresources): ApiOperations {
  function definitionOf(ref: ResourceRef): ResourceDefinition {
    const def = core.registry.find(ref.group, ref.version, ref.resource);
    if (!def) throw failure(404, "NotFound", "the server could not find the requested resource", {});
    return def;
  }

  const context = (o: { dryRun?: boolean | undefined; fieldManager?: string | undefined }): WriteContext => ({
    user: loopbackUser,
    dryRun: o.dryRun ?? false,
    fieldManager: o.fieldManager ?? "portolan",
    fieldValidation: "Ignore",
    warn() {},
  });

  function objectOf(def: ResourceDefinition, kv: KeyValue): KubeObject {
    return servedObject(def, kv);
  }

  return {
    async get(ref, name, { namespace, subresource }) {
      const def = definitionOf(ref);
      if (subresource && subresource !== "status") {
        const answer = await subresources.call(
          { def, namespace, name, subresource, method: "GET", context: context({}) },
          undefined,
        );
        return answer.object as KubeObject;
      }
      const kv = core.store.get(storeKey(def, def.namespaced ? namespace : undefined, name));
      if (!kv) throw notFound(subjectOf(def), name);
      return objectOf(def, kv);
    },

    list(ref, options): KubeList {
      const def = definitionOf(ref);
      const page = listPage(core.store, def, options);
      return {
        kind: `${def.kind}List`,
        apiVersion: apiVersionOfDefinition(def),
        metadata: listMetadata(page) as KubeList["metadata"],
        items: page.items.map((kv) => objectOf(def, kv)),
      };
    },

    watch(ref, options, wake) {
      const def = definitionOf(ref);
      const query = options.sendInitialEvents
        ? { ...options, resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: true }
        : options;
      const source = openWatch(core.store, def, query, wake);
      return {
        next() {
          const item = source.next();
          if (!item || item.type === "ERROR") return item;
          if (item.type === "BOOKMARK")
            return { type: "BOOKMARK", object: bookmarkObject(def, item.revision, item.endsInitialEvents) };
          return { type: item.type, object: objectOf(def, item.kv) };
        },
        bookmark() {
          const item = source.bookmark();
          if (item?.type !== "BOOKMARK") return undefined;
          return { type: "BOOKMARK", object: bookmarkObject(def, item.revision, false) };
        },
        stop: source.stop,
      };
    },

    async create(ref, object, o) {
      const def = definitionOf(ref);
      if (o.subresource) {
        const answer = await subresources.call(
          {
            def,
            namespace: o.namespace ?? object.metadata?.namespace,
            name: o.name ?? object.metadata?.name ?? "",
            subresource: o.subresource,
            method: "POST",
            context: context(o),
          },
          object,
        );
        return answer.object as KubeObject;
      }
      const namespace = def.namespaced ? (o.namespace ?? object.metadata.namespace) : undefined;
      return objectOf(
        def,
        await createObject(core, def, namespace, core.codec.decodeValue(object, def, context(o)), context(o)),
      );
    },

    async update(ref, object, o) {
      const def = definitionOf(ref);
      const namespace = def.namespaced ? (o.namespace ?? object.metadata.namespace) : undefined;
      const name = object.metadata.name ?? "";
      const subresource = o.subresource ?? "";
      if (subresource !== "" && subresource !== "status") {
        const answer = await subresources.call(
          { def, namespace, name, subresource, method: "PUT", context: context(o) },
          object,
        );
        return answer.object as KubeObject;
      }
      const wanted = JSON.stringify(core.codec.decodeValue(object, def, context(o)));
      const change = (): KubeObject => JSON.parse(wanted) as KubeObject;
      return objectOf(
        def,
        await updateObject(core, { def, namespace, name, subresource, change }, context(o)),
      );
    },

    async patch(ref, name, patch, o) {
      const def = definitionOf(ref);
      const namespace = def.namespaced ? o.namespace : undefined;
      const subresource = o.subresource ?? "";
      if (o.type === "apply") {
        const options = { subresource, force: o.force ?? false };
        const applied = applyChange(core, def, patch, options, context(o));
        const missing = (): Promise<KeyValue> =>
          createObject(core, def, namespace, applied(undefined), context(o), "kept");
        const request = {
          def,
          namespace,
          name,
          subresource,
          change: applied,
          owners: "kept",
          missing,
        } as const;
        return objectOf(def, await updateObject(core, request, context(o)));
      }
      const change = patchChange(core, def, o.type, JSON.stringify(patch), context(o));
      return objectOf(
        def,
        await updateObject(core, { def, namespace, name, subresource, change }, context(o)),
      );
    },

    async delete(ref, name, o) {
      const def = definitionOf(ref);
      refuseImmortal(def, name);
      await deleteObject(core, def, def.namespaced ? o.namespace : undefined, name, o, context({}));
    },

    async deleteCollection(ref, o) {
      await deleteCollection(core, definitionOf(ref), o, o, context({}));
    },
  };
}
