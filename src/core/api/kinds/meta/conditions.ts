// metav1.Condition in a status (apimachinery apis/meta/v1/validation ValidateConditions).
import type { FieldError } from "../../status.ts";
import type { Condition } from "../../types.ts";
import { at, child, duplicate, invalid, invalidEach, notSupported, required, tooLong } from "./field.ts";
import { conditionReason, qualifiedName } from "./names.ts";

const statuses = ["False", "True", "Unknown"];
const reasonBytes = 1024;
const messageBytes = 32 * 1024;

function validateReason(path: string, reason: string | undefined): FieldError[] {
  if (!reason) return [required(path)];
  return [
    ...invalidEach(path, reason, conditionReason(reason)),
    ...(Buffer.byteLength(reason) > reasonBytes ? [tooLong(path, reasonBytes)] : []),
  ];
}

function validateCondition(c: Condition, path: string): FieldError[] {
  const generation = c.observedGeneration ?? 0;
  return [
    ...invalidEach(child(path, "type"), c.type ?? "", qualifiedName(c.type ?? "")),
    ...(statuses.includes(c.status) ? [] : [notSupported(child(path, "status"), c.status, statuses)]),
    ...(generation < 0
      ? [invalid(child(path, "observedGeneration"), generation, "must be greater than or equal to zero")]
      : []),
    ...(c.lastTransitionTime ? [] : [required(child(path, "lastTransitionTime"))]),
    ...validateReason(child(path, "reason"), c.reason),
    ...(Buffer.byteLength(c.message ?? "") > messageBytes
      ? [tooLong(child(path, "message"), messageBytes)]
      : []),
  ];
}

/** Each condition, and no type twice. */
export function validateConditions(conditions: readonly Condition[] | undefined, path: string): FieldError[] {
  const seen = new Set<string>();
  return (conditions ?? []).flatMap((c, i) => {
    const here = at(path, i);
    const twice = seen.has(c.type) ? [duplicate(child(here, "type"), c.type)] : [];
    seen.add(c.type);
    return [...twice, ...validateCondition(c, here)];
  });
}
