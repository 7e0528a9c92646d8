// A whole pod (kubernetes pkg/apis/core/validation ValidatePodCreate, validatePodMetadataAndSpec).
import type { FieldError } from "../../../status.ts";
import type { Pod, PodSpec } from "../../../types.ts";
import { forbidden, invalid, required } from "../../meta/mod.ts";
import { validateImageSpace } from "./containers.ts";
import { validatePodSpec } from "./spec.ts";

export const MIRROR = "kubernetes.io/config.mirror";
const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

/** Annotations that mean something for the pod itself. */
export function validatePodAnnotations(
  annotations: Record<string, string> | undefined,
  spec: PodSpec,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const mirror = annotations?.[MIRROR];
  if (mirror !== undefined && !spec.nodeName)
    errors.push(
      invalid(`${path}[${MIRROR}]`, mirror, "must set spec.nodeName if mirror pod annotation is set"),
    );
  const cost = annotations?.[DELETION_COST];
  if (cost !== undefined && !(/^(0|-?[1-9][0-9]*)$/.test(cost) && Math.abs(Number(cost)) < 2 ** 31))
    errors.push(invalid(`${path}[${DELETION_COST}]`, cost, "must be a 32bit integer"));
  return errors;
}

/** All but metadata's general rules, for a new pod and for a changed one. */
export function validatePodParts(pod: Pod): FieldError[] {
  const spec = pod.spec;
  if (!spec) return [required("spec.containers")];
  const errors = [
    ...validatePodAnnotations(pod.metadata.annotations, spec, "metadata.annotations"),
    ...validatePodSpec(spec, "spec", { isPod: true }),
  ];
  if (!spec.serviceAccountName)
    for (const [i, v] of (spec.volumes ?? []).entries())
      for (const [j, s] of (v.projected?.sources ?? []).entries())
        if (s.serviceAccountToken)
          errors.push(
            forbidden(
              `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`,
              "must not be specified when serviceAccountName is not set",
            ),
          );
  for (const list of ["containers", "initContainers"] as const)
    for (const [i, c] of (spec[list] ?? []).entries())
      errors.push(...validateImageSpace(c, `spec.${list}[${i}]`));
  return errors;
}

export function validatePodCreate(pod: Pod): FieldError[] {
  const errors = validatePodParts(pod);
  if ((pod.spec?.ephemeralContainers ?? []).length > 0)
    errors.push(forbidden("spec.ephemeralContainers", "cannot be set on create"));
  if (pod.spec?.nodeName && (pod.spec.schedulingGates ?? []).length > 0)
    errors.push(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  return errors;
}
