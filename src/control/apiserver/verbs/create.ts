// Creating an object: system metadata, defaults, admission, validation, reservations, and one write that must find no such key
// (apiserver registry Store.Create and rest.BeforeCreate).
import { randomUUID } from "node:crypto";
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { alreadyExists, failure } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { KeyValue } from "../../store/mod.ts";
import type { AdmissionRequest, ApiCore, WriteContext } from "../context.ts";
import { apiVersionOfDefinition, storeKey, subjectOf } from "../registry.ts";
import { encodeForStorage } from "../stored-object.ts";
import { generateName } from "./generate-name.ts";
import {
  admitObject,
  matchNamespace,
  refuseInvalid,
  reserveAll,
  strategyContext,
  unstored,
  writeReserved,
} from "./write-steps.ts";

/** Metadata that a client may not set, and the name. `apiVersion` and `kind` come first in the stored bytes. */
function systemMetadata(def: ResourceDefinition, obj: KubeObject, now: number): KubeObject {
  const meta = obj.metadata;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.selfLink;
  meta.uid = randomUUID();
  meta.creationTimestamp = timestamp(now);
  if (!meta.name && meta.generateName) meta.name = generateName(meta.generateName);
  const { apiVersion: _v, kind: _k, metadata: _m, ...rest } = obj;
  const { name, generateName: prefix, namespace, uid, resourceVersion: _rv, ...others } = meta;
  const metadata = {
    ...(name === undefined ? {} : { name }),
    ...(prefix === undefined ? {} : { generateName: prefix }),
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    resourceVersion: "",
    ...others,
  };
  return { apiVersion: apiVersionOfDefinition(def), kind: def.kind, metadata, ...rest } as KubeObject;
}

/** `given` is the caller's to give away. Resolves with the stored version. `owners`: "kept" when they are set already. */
export async function createObject(
  core: ApiCore,
  def: ResourceDefinition,
  namespace: string | undefined,
  given: KubeObject,
  ctx: WriteContext,
  owners: "tracked" | "kept" = "tracked",
): Promise<KeyValue> {
  matchNamespace(def, given, namespace);
  if (given.metadata.resourceVersion && given.metadata.resourceVersion !== "0")
    throw failure(500, "", "resourceVersion should not be set on objects to be created");
  for (let attempt = 0; ; attempt++) {
    const generated = !given.metadata.name && Boolean(given.metadata.generateName);
    const obj = systemMetadata(def, generated ? structuredClone(given) : given, core.now());
    const request: AdmissionRequest = {
      operation: "CREATE",
      def,
      namespace,
      name: obj.metadata.name ?? "",
      subresource: "",
      object: obj,
      old: undefined,
      context: ctx,
    };
    admitObject(core, request, owners);
    def.setDefaults?.(obj);
    const strategy = strategyContext(core, ctx);
    def.prepareForCreate?.(obj, strategy);
    refuseInvalid(def, obj.metadata.name ?? "", def.validate?.(obj, strategy));
    const name = obj.metadata.name!;
    const key = storeKey(def, namespace, name);
    // Said before anything is reserved, so that a second create of a Service is "already exists", not "IP allocated".
    if (core.store.get(key) && !generated) throw alreadyExists(subjectOf(def), name);
    const reservation = reserveAll(core, request);
    for (const text of def.warnings?.(obj, undefined) ?? []) ctx.warn(text);
    if (ctx.dryRun) {
      reservation.release();
      delete obj.metadata.resourceVersion;
      return unstored(obj);
    }
    const toStore = def.storedAs ? def.storedAs.toStorage(obj) : obj;
    const written = await writeReserved(reservation, () =>
      core.store.put(key, 0, (revision) => encodeForStorage(toStore, revision)),
    );
    if (written) return written;
    if (!generated || attempt >= 8) throw alreadyExists(subjectOf(def), name);
  }
}
