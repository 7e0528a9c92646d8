// Changing an object: compare-and-swap on the version that was read; a change that did not name a version is worked out again
// when another writer came first (apiserver registry Store.Update and rest.BeforeUpdate).
import { jsonEqual } from "../../../core/api/patch/mod.ts";
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { conflict, type FieldError, modifiedConflict, notFound } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { KeyValue } from "../../store/mod.ts";
import type { AdmissionRequest, ApiCore, WriteContext } from "../context.ts";
import { storeKey, subjectOf } from "../registry.ts";
import { cloneStored, encodeForStorage, storedObject } from "../stored-object.ts";
import {
  admitObject,
  matchNamespace,
  refuseInvalid,
  reserveAll,
  strategyContext,
  unstored,
  writeReserved,
} from "./write-steps.ts";

export interface UpdateRequest {
  def: ResourceDefinition;
  namespace: string | undefined;
  name: string;
  /** "" for the object itself. */
  subresource: string;
  /** Gives the wanted object from a copy of the current one, which it may change and return. */
  change(current: KubeObject): KubeObject;
  /** How rules of the kind are applied; by default those of the main or status endpoint. A subresource may bring its own. */
  rules?: "main" | "status" | "none" | PartRules;
  /** "kept" when `change` sets metadata.managedFields itself, as server-side apply does. */
  owners?: "tracked" | "kept";
  /** Called instead of answering 404. */
  missing?: () => Promise<KeyValue>;
}

/** The rules of a subresource that changes one part of an object. */
export interface PartRules {
  /** Keeps of `obj` only that part; all else is as it was. */
  prepare(obj: KubeObject, old: KubeObject): void;
  validate(obj: KubeObject, old: KubeObject): FieldError[];
}

const maxAttempts = 100;

/** What an update never changes, whoever asks. */
function keepSystemMetadata(obj: KubeObject, old: KubeObject): void {
  const meta = obj.metadata;
  const was = old.metadata;
  meta.name = was.name!;
  if (was.namespace) meta.namespace = was.namespace;
  meta.uid = was.uid!;
  meta.creationTimestamp = was.creationTimestamp!;
  if (was.generateName !== undefined) meta.generateName = was.generateName;
  delete meta.selfLink;
  if (was.deletionTimestamp) {
    meta.deletionTimestamp = was.deletionTimestamp;
    if (was.deletionGracePeriodSeconds !== undefined)
      meta.deletionGracePeriodSeconds = was.deletionGracePeriodSeconds;
  } else {
    delete meta.deletionTimestamp;
    delete meta.deletionGracePeriodSeconds;
  }
  if (was.generation === undefined) delete meta.generation;
  else meta.generation = was.generation;
}

function sameBytes(obj: KubeObject, kv: KeyValue): boolean {
  obj.metadata.resourceVersion = String(kv.modRevision);
  const bytes = Buffer.from(JSON.stringify(obj));
  if (bytes.length !== kv.value.length) return false;
  // Clients send fields in an order of their own.
  return kv.value.equals(bytes) || jsonEqual(obj, storedObject(kv));
}

/** An object being deleted that has lost its last finalizer goes now, unless its grace period still runs. */
function isFinished(def: ResourceDefinition, obj: KubeObject): boolean {
  if (!obj.metadata.deletionTimestamp || (obj.metadata.finalizers?.length ?? 0) > 0) return false;
  if (def.plural === "namespaces" && def.group === "") {
    const spec = (obj as { spec?: { finalizers?: string[] } }).spec;
    return (spec?.finalizers?.length ?? 0) === 0;
  }
  return (obj.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** Resolves with the stored version; with the last one when the change let a deleted object go. */
export async function updateObject(core: ApiCore, req: UpdateRequest, ctx: WriteContext): Promise<KeyValue> {
  const { def, namespace, name, subresource } = req;
  const key = storeKey(def, namespace, name);
  const subject = subjectOf(def);
  const rules = req.rules ?? (subresource === "status" ? "status" : "main");
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const current = core.store.get(key);
    if (!current) {
      if (req.missing) return req.missing();
      throw notFound(subject, name);
    }
    const stored = storedObject(current);
    const old = def.storedAs ? def.storedAs.fromStorage(cloneStored(current)) : stored;
    const copy = def.storedAs ? def.storedAs.fromStorage(cloneStored(current)) : cloneStored(current);
    const obj = req.change(copy);
    matchNamespace(def, obj, namespace);
    const wanted = obj.metadata.resourceVersion;
    const conditional = wanted !== undefined && wanted !== "" && wanted !== "0";
    if (conditional && wanted !== String(current.modRevision)) throw modifiedConflict(subject, name);
    if (obj.metadata.uid && obj.metadata.uid !== old.metadata.uid)
      throw conflict(
        subject,
        name,
        `Precondition failed: UID in precondition: ${obj.metadata.uid}, UID in object meta: ${old.metadata.uid}`,
      );
    keepSystemMetadata(obj, old);
    const request: AdmissionRequest = {
      operation: "UPDATE",
      def,
      namespace,
      name,
      subresource,
      object: obj,
      old,
      context: ctx,
    };
    admitObject(core, request, req.owners);
    if (rules === "main") {
      const strategy = strategyContext(core, ctx);
      def.prepareForUpdate?.(obj, old, strategy);
      refuseInvalid(def, name, def.validateUpdate?.(obj, old, strategy));
      for (const text of def.warnings?.(obj, old) ?? []) ctx.warn(text);
    } else if (rules === "status") {
      def.prepareForStatusUpdate?.(obj, old, strategyContext(core, ctx));
      refuseInvalid(def, name, def.validateStatusUpdate?.(obj, old));
      for (const text of def.statusWarnings?.(obj) ?? []) ctx.warn(text);
    } else if (rules !== "none") {
      rules.prepare(obj, old);
      refuseInvalid(def, name, rules.validate(obj, old));
    }
    const reservation = rules === "status" ? undefined : reserveAll(core, request);
    const toStore = def.storedAs ? def.storedAs.toStorage(obj) : obj;
    if (sameBytes(toStore, current)) {
      reservation?.release();
      return current;
    }
    if (ctx.dryRun) {
      reservation?.release();
      return unstored(obj);
    }
    const encode = (revision: number): Buffer => encodeForStorage(toStore, revision);
    const finished = isFinished(def, obj);
    const written = await writeReserved(reservation, () =>
      finished
        ? core.store.delete(key, current.modRevision, encode)
        : core.store.put(key, current.modRevision, encode),
    );
    if (written) return written;
    if (conditional && !core.store.get(key)) throw notFound(subject, name);
  }
  throw modifiedConflict(subject, name);
}
