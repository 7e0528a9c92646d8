// Between stored bytes and objects: parsing is done once per stored version and remembered with it.
import type { ResourceDefinition } from "../../core/api/resource.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KeyValue } from "../store/mod.ts";

/** The stored object as it is kept, shared by everyone: deeply read-only. */
export function storedObject(kv: KeyValue): KubeObject {
  if (kv.memo === undefined) kv.memo = JSON.parse(kv.value.toString());
  return kv.memo as KubeObject;
}

/** A copy of its own, free to change. */
export function cloneStored(kv: KeyValue): KubeObject {
  return JSON.parse(kv.value.toString()) as KubeObject;
}

/** As the definition serves it; the stored object itself unless storage is shared with another kind. */
export function servedObject(def: ResourceDefinition, kv: KeyValue): KubeObject {
  return def.storedAs ? def.storedAs.fromStorage(cloneStored(kv)) : storedObject(kv);
}

/** The bytes that are served for it. */
export function servedBytes(def: ResourceDefinition, kv: KeyValue): Buffer {
  return def.storedAs ? Buffer.from(JSON.stringify(servedObject(def, kv))) : kv.value;
}

/** The object's bytes as stored, with the revision as its resourceVersion. Changes the object. */
export function encodeForStorage(obj: KubeObject, revision: number): Buffer {
  obj.metadata.resourceVersion = String(revision);
  return Buffer.from(JSON.stringify(obj));
}
