// metav1.DeleteOptions: how a deletion is meant, from a body or a query, and what contradicts itself in it.
import { badRequest, invalid } from "../../../core/api/status.ts";

export interface DeleteOptionsBody {
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: string | undefined;
  orphanDependents?: boolean | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
}

/** Throws StatusError 422. */
export function checkDeleteOptions(o: DeleteOptionsBody): void {
  const errors = [];
  const policies = ["Foreground", "Background", "Orphan"];
  if (o.propagationPolicy !== undefined && o.orphanDependents !== undefined)
    errors.push({
      type: "FieldValueInvalid" as const,
      field: "propagationPolicy",
      value: o.propagationPolicy,
      detail: "orphanDependents and deletionPropagation cannot be both set",
    });
  if (o.propagationPolicy !== undefined && !policies.includes(o.propagationPolicy))
    errors.push({
      type: "FieldValueNotSupported" as const,
      field: "propagationPolicy",
      value: o.propagationPolicy,
      detail: 'supported values: "Foreground", "Background", "Orphan", "nil"',
    });
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
}

/** Reads DeleteOptions, from a body or a query; throws StatusError 400 for wrong types. */
export function readDeleteOptions(value: unknown): DeleteOptionsBody & { dryRun?: string[] } {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw badRequest("DeleteOptions must be an object");
  const o = value as Record<string, unknown>;
  const wrong = (field: string, type: string): never => {
    throw badRequest(
      `DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal ${typeof o[field]} into Go struct field DeleteOptions.${field} of type ${type}`,
    );
  };
  const out: DeleteOptionsBody & { dryRun?: string[] } = {};
  if (o.gracePeriodSeconds !== undefined && o.gracePeriodSeconds !== null) {
    if (!Number.isInteger(o.gracePeriodSeconds)) wrong("gracePeriodSeconds", "int64");
    out.gracePeriodSeconds = o.gracePeriodSeconds as number;
  }
  if (o.propagationPolicy !== undefined && o.propagationPolicy !== null) {
    if (typeof o.propagationPolicy !== "string") wrong("propagationPolicy", "v1.DeletionPropagation");
    out.propagationPolicy = o.propagationPolicy as string;
  }
  if (o.orphanDependents !== undefined && o.orphanDependents !== null) {
    if (typeof o.orphanDependents !== "boolean") wrong("orphanDependents", "bool");
    out.orphanDependents = o.orphanDependents as boolean;
  }
  if (o.preconditions !== undefined && o.preconditions !== null) {
    if (typeof o.preconditions !== "object") wrong("preconditions", "v1.Preconditions");
    const p = o.preconditions as { uid?: string; resourceVersion?: string };
    out.preconditions = { uid: p.uid ?? undefined, resourceVersion: p.resourceVersion ?? undefined };
  }
  if (Array.isArray(o.dryRun)) out.dryRun = o.dryRun.map(String);
  return out;
}
