// Deleting an object: preconditions, grace periods, finalizers that the propagation policy asks for, and only then the removal
// (apiserver registry Store.Delete, rest.BeforeDelete, deletionFinalizersForGarbageCollection).
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { conflict, forbidden, modifiedConflict, notFound, type Status } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { KeyValue } from "../../store/mod.ts";
import type { ApiCore, WriteContext } from "../context.ts";
import { storeKey, subjectOf } from "../registry.ts";
import { checkDeleteOptions, type DeleteOptionsBody } from "../requests/mod.ts";
import { cloneStored, encodeForStorage, servedObject } from "../stored-object.ts";
import { admit, strategyContext, unstored } from "./write-steps.ts";

export type DeleteOutcome =
  /** Gone. `kv` is the last version. */
  | { kind: "deleted"; kv: KeyValue }
  /** Waits for its grace period or finalizers. */
  | { kind: "pending"; kv: KeyValue };

const orphan = "orphan";
const foreground = "foregroundDeletion";
const maxAttempts = 100;

function checkPreconditions(def: ResourceDefinition, obj: KubeObject, o: DeleteOptionsBody): void {
  const name = obj.metadata.name!;
  const { uid, resourceVersion } = o.preconditions ?? {};
  if (uid !== undefined && uid !== obj.metadata.uid)
    throw conflict(
      subjectOf(def),
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${obj.metadata.uid}`,
    );
  if (resourceVersion !== undefined && resourceVersion !== obj.metadata.resourceVersion)
    throw conflict(
      subjectOf(def),
      name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${obj.metadata.resourceVersion}`,
    );
}

/** Kinds that still leave their dependents behind when nobody says otherwise, as in their first days. */
const orphansByDefault = (def: ResourceDefinition): boolean =>
  (def.group === "" && def.plural === "replicationcontrollers") ||
  (def.group === "batch" && def.plural === "jobs");

/** The finalizers the object should have, given who must deal with its dependents. */
function wantedFinalizers(def: ResourceDefinition, obj: KubeObject, o: DeleteOptionsBody): string[] {
  const has = obj.metadata.finalizers ?? [];
  let policy = o.propagationPolicy;
  if (policy === undefined && o.orphanDependents !== undefined)
    policy = o.orphanDependents ? "Orphan" : "Background";
  if (policy === undefined) {
    if (has.includes(orphan) || has.includes(foreground)) return has;
    if (!orphansByDefault(def)) return has;
    policy = "Orphan";
  }
  const others = has.filter((f) => f !== orphan && f !== foreground);
  if (policy === "Orphan") return [...others, orphan];
  if (policy === "Foreground") return [...others, foreground];
  return others;
}

function graceSeconds(def: ResourceDefinition, obj: KubeObject, o: DeleteOptionsBody): number {
  const graceful = def.gracefulDeletion;
  if (!graceful || graceful.skip?.(obj)) return 0;
  const asked = o.gracePeriodSeconds;
  // A negative period means "at once, but through the kubelet".
  if (asked !== undefined) return asked < 0 ? 1 : asked;
  return graceful.defaultSeconds(obj);
}

const isNamespace = (def: ResourceDefinition): boolean => def.group === "" && def.plural === "namespaces";

interface Namespaced extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: string };
}

/** Brings the object to its state after this request; true when it may be removed now. Undefined: nothing changes. */
function beginDeletion(
  core: ApiCore,
  def: ResourceDefinition,
  obj: KubeObject,
  o: DeleteOptionsBody,
  ctx: WriteContext,
): boolean | undefined {
  const meta = obj.metadata;
  const before = JSON.stringify(obj);
  const finalizers = wantedFinalizers(def, obj, o);
  if (finalizers.length > 0) meta.finalizers = finalizers;
  else delete meta.finalizers;
  const now = core.now();
  const mark = (seconds: number): void => {
    if (!meta.deletionTimestamp && meta.generation !== undefined && meta.generation > 0) meta.generation++;
    meta.deletionTimestamp = timestamp(now + seconds * 1000);
    meta.deletionGracePeriodSeconds = seconds;
  };

  if (isNamespace(def)) {
    const ns = obj as Namespaced;
    const held = (ns.spec?.finalizers?.length ?? 0) > 0 || finalizers.length > 0;
    if (!held) return true;
    if (meta.deletionTimestamp) return undefined;
    mark(0);
    delete meta.deletionGracePeriodSeconds;
    ns.status = { ...ns.status, phase: "Terminating" };
    return false;
  }

  const seconds = graceSeconds(def, obj, o);
  if (def.gracefulDeletion && seconds > 0) {
    const running = meta.deletionTimestamp !== undefined;
    if (
      !running ||
      (o.gracePeriodSeconds !== undefined && seconds < (meta.deletionGracePeriodSeconds ?? 0))
    ) {
      if (running) {
        // The clock started when deletion was first asked for.
        const start = Date.parse(meta.deletionTimestamp!) - (meta.deletionGracePeriodSeconds ?? 0) * 1000;
        meta.deletionTimestamp = timestamp(start + seconds * 1000);
        meta.deletionGracePeriodSeconds = seconds;
      } else mark(seconds);
      def.gracefulDeletion.begin(obj, seconds, strategyContext(core, ctx));
    }
    return JSON.stringify(obj) === before ? undefined : false;
  }
  if (finalizers.length === 0) return true;
  if (!meta.deletionTimestamp) mark(0);
  else meta.deletionGracePeriodSeconds = 0;
  return JSON.stringify(obj) === before ? undefined : false;
}

export async function deleteObject(
  core: ApiCore,
  def: ResourceDefinition,
  namespace: string | undefined,
  name: string,
  options: DeleteOptionsBody,
  ctx: WriteContext,
): Promise<DeleteOutcome> {
  checkDeleteOptions(options);
  if (def.group === "batch" && def.plural === "jobs")
    if (options.propagationPolicy === undefined && options.orphanDependents === undefined)
      ctx.warn(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
      );
  const key = storeKey(def, namespace, name);
  const subject = subjectOf(def);
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const current = core.store.get(key);
    if (!current) throw notFound(subject, name);
    const old = servedObject(def, current);
    checkPreconditions(def, old, options);
    admit(core, {
      operation: "DELETE",
      def,
      namespace,
      name,
      subresource: "",
      object: undefined,
      old,
      context: ctx,
    });
    const obj = cloneStored(current);
    const remove = beginDeletion(core, def, obj, options, ctx);
    if (remove === undefined) return { kind: "pending", kv: current };
    if (ctx.dryRun) return remove ? { kind: "deleted", kv: current } : { kind: "pending", kv: unstored(obj) };
    const encode = (revision: number): Buffer => encodeForStorage(obj, revision);
    const result = remove
      ? await core.store.delete(key, current.modRevision, encode)
      : await core.store.put(key, current.modRevision, encode);
    if (result.ok) return remove ? { kind: "deleted", kv: result.kv } : { kind: "pending", kv: result.kv };
  }
  throw modifiedConflict(subject, name);
}

/** The answer to a deletion that is complete: a Status that names what went. */
export function deletedStatus(def: ResourceDefinition, obj: KubeObject): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: obj.metadata.name!,
      ...(def.group === "" ? {} : { group: def.group }),
      kind: def.plural,
      uid: obj.metadata.uid!,
    },
  };
}

/** Namespaces that the cluster cannot do without. */
export function refuseImmortal(def: ResourceDefinition, name: string): void {
  if (isNamespace(def) && ["default", "kube-system", "kube-public"].includes(name))
    throw forbidden(subjectOf(def), name, "this namespace may not be deleted");
}
