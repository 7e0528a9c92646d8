// The steps that every write takes, whatever its verb: the namespace it names, whose its fields are, admission, what the rules
// of the kind refuse, what is taken for it, and one compare-and-swap.
import { trackUpdate } from "../../../core/api/apply/mod.ts";
import type { ResourceDefinition, StrategyContext } from "../../../core/api/resource.ts";
import { badRequest, type FieldError, invalid } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { CommitResult, KeyValue } from "../../store/mod.ts";
import {
  type AdmissionRequest,
  type ApiCore,
  hasStatus,
  type Reservation,
  type WriteContext,
} from "../context.ts";
import { apiVersionOfDefinition } from "../registry.ts";

/** The object's namespace must be the request's, or absent. */
export function matchNamespace(
  def: ResourceDefinition,
  obj: KubeObject,
  namespace: string | undefined,
): void {
  if (!def.namespaced) {
    delete obj.metadata.namespace;
    return;
  }
  if (!obj.metadata.namespace && namespace) obj.metadata.namespace = namespace;
  if (obj.metadata.namespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

export const strategyContext = (core: ApiCore, ctx: WriteContext): StrategyContext => ({
  now: timestamp(core.now()),
  user: ctx.user,
  ipFamilies: core.ipFamilies,
});

/** Top-level fields that a write at this endpoint does not change. */
function ignoredFields(def: ResourceDefinition, subresource: string): string[] {
  if (subresource === "status") return ["spec", ...(def.statusLeavesMetadata ? ["metadata"] : [])];
  return hasStatus(def) ? ["status"] : [];
}

/** Notes in the object's metadata.managedFields whose the changed fields are now. */
function trackOwners(core: ApiCore, { def, object, old, subresource, context }: AdmissionRequest): void {
  trackUpdate({
    model: core.codec.expected(def).model,
    live: old,
    next: object!,
    ignored: ignoredFields(def, subresource),
    who: {
      manager: context.fieldManager,
      operation: "Update",
      apiVersion: apiVersionOfDefinition(def),
      subresource,
    },
    now: timestamp(core.now()),
  });
}

export function admit(core: ApiCore, request: AdmissionRequest): void {
  for (const plugin of core.admission) plugin(request, core);
}

/** Defaults, owners and admission of an object that is to be written. `owners`: "kept" when they are set already. */
export function admitObject(
  core: ApiCore,
  request: AdmissionRequest,
  owners: "tracked" | "kept" = "tracked",
): void {
  request.def.setDefaults?.(request.object!);
  if (owners === "tracked") trackOwners(core, request);
  admit(core, request);
}

export function refuseInvalid(def: ResourceDefinition, name: string, errors: FieldError[] = []): void {
  if (errors.length > 0) throw invalid(def, name, errors);
}

/** Takes all reservations or none. */
export function reserveAll(core: ApiCore, request: AdmissionRequest): Reservation {
  const taken: Reservation[] = [];
  const all: Reservation = {
    commit: () => taken.forEach((r) => void r.commit()),
    release: () => taken.forEach((r) => void r.release()),
  };
  try {
    for (const reserve of core.reserve) {
      const r = reserve(request);
      if (r) taken.push(r);
    }
  } catch (error) {
    all.release();
    throw error;
  }
  return all;
}

/** Writes, and gives back what was taken for the write unless it was done. undefined: another writer was first. */
export async function writeReserved(
  reservation: Reservation | undefined,
  write: () => Promise<CommitResult>,
): Promise<KeyValue | undefined> {
  let result: CommitResult | undefined;
  try {
    result = await write();
  } finally {
    if (result?.ok) reservation?.commit();
    else reservation?.release();
  }
  return result.ok ? result.kv : undefined;
}

/** A version that is not stored: what a dry run answers. */
export function unstored(obj: KubeObject): KeyValue {
  return { key: "", value: Buffer.from(JSON.stringify(obj)), modRevision: 0, createRevision: 0 };
}
