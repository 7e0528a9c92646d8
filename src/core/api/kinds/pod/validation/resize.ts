// What pods/resize may change (kubernetes pkg/apis/core/validation ValidatePodResize).

import { compareQuantities } from "../../../quantity/mod.ts";
import type { FieldError } from "../../../status.ts";
import type { Container, Pod, PodSpec } from "../../../types.ts";
import { forbidden, invalid, semanticEqual, WHOLE } from "../../meta/mod.ts";
import { qosClass } from "../qos-class.ts";
import { readQuantity } from "../resource-list.ts";
import { isSidecar } from "../sidecar.ts";
import { MIRROR, validatePodParts } from "./pod.ts";

function validateSameContainers(now: PodSpec, was: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ["containers", "initContainers"] as const) {
    const [a, b] = [now[list] ?? [], was[list] ?? []];
    if (a.length !== b.length)
      errors.push(forbidden(`spec.${list}`, `${list} may not be added or removed on resize`));
    else
      for (const [i, c] of a.entries())
        if (c.name !== b[i]!.name)
          errors.push(
            forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`),
          );
  }
  return errors;
}

function validateContainerResize(now: Container, was: Container, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const which of ["requests", "limits"] as const)
    if (
      Object.keys(was.resources?.[which] ?? {}).some((k) => !Object.hasOwn(now.resources?.[which] ?? {}, k))
    )
      errors.push(forbidden(`${path}.${which}`, `resource ${which} cannot be removed`));
  for (const which of ["requests", "limits"] as const) {
    const changed = Object.entries(now.resources?.[which] ?? {}).some(([k, v]) => {
      if (k === "cpu" || k === "memory") return false;
      const [a, b] = [readQuantity(v), readQuantity(was.resources?.[which]?.[k] ?? "0")];
      return !a || !b || compareQuantities(a, b) !== 0;
    });
    if (changed) errors.push(forbidden("spec", "only cpu and memory resources are mutable"));
  }
  return errors;
}

export function validateResize(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[MIRROR] !== undefined)
    return [forbidden(WHOLE, "static pods cannot be resized")];
  const errors = validatePodParts(pod);
  if (!pod.spec || !old.spec) return errors;
  const other = validateSameContainers(pod.spec, old.spec);
  if (other.length > 0) return [...errors, ...other];
  if ((old.status?.qosClass ?? qosClass(old.spec)) !== qosClass(pod.spec))
    errors.push(
      invalid("spec", pod.status?.qosClass ?? "", "Pod QOS Class may not change as a result of resizing"),
    );
  for (const list of ["initContainers", "containers"] as const)
    for (const [i, was] of (old.spec[list] ?? []).entries()) {
      const now = pod.spec[list]?.[i];
      if (!now) continue;
      if (list === "containers" || isSidecar(was))
        errors.push(...validateContainerResize(now, was, `spec.${list}[${i}].resources`));
      else if (!semanticEqual(now, was))
        errors.push(forbidden("spec", "resources for non-sidecar init containers are immutable"));
    }
  return errors;
}
