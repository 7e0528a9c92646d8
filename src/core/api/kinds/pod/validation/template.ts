// The template of a workload (kubernetes pkg/apis/core/validation ValidatePodTemplateSpec).
import type { FieldError } from "../../../status.ts";
import type { PodTemplateSpec } from "../../../types.ts";
import { forbidden, validateAnnotations, validateLabels } from "../../meta/mod.ts";
import { validatePodAnnotations } from "./pod.ts";
import { validatePodSpec } from "./spec.ts";

export function validateTemplate(template: PodTemplateSpec, path: string): FieldError[] {
  const { labels, annotations } = template.metadata ?? {};
  const spec = template.spec ?? { containers: [] };
  const errors = [
    ...validateLabels(labels, `${path}.labels`),
    ...validateAnnotations(annotations, `${path}.annotations`),
    ...validatePodAnnotations(annotations, spec, `${path}.annotations`),
    ...validatePodSpec(spec, `${path}.spec`, { isPod: false }),
  ];
  if ((spec.ephemeralContainers ?? []).length > 0)
    errors.push(
      forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"),
    );
  return errors;
}
