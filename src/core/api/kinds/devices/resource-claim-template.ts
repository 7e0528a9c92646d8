// resource.k8s.io/v1 ResourceClaimTemplate: a claim for each pod that names it (kubernetes pkg/registry/resource/resourceclaimtemplate).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { ResourceClaimTemplate } from "../../types.ts";
import { define } from "../define.ts";
import { forbidden, immutable, validateAnnotations, validateLabels } from "../meta/mod.ts";
import { ageColumn, nameColumn } from "../table/mod.ts";
import { validateClaimSpec } from "./claim-spec.ts";
import { setClaimDefaults } from "./requests.ts";

/** Of metadata, the claims take over labels and annotations alone. */
function validate({ spec }: ResourceClaimTemplate): FieldError[] {
  const path = "spec.metadata";
  const { labels, annotations, ...others } = spec?.metadata ?? {};
  return [
    ...validateAnnotations(annotations, `${path}.annotations`),
    ...validateLabels(labels, `${path}.labels`),
    ...Object.entries(others)
      .filter(([, value]) => value != null)
      .map(([key]) => forbidden(`${path}.${key}`, "cannot be set")),
    ...validateClaimSpec(spec?.spec, "spec.spec"),
  ];
}

export const resourceClaimTemplate: ResourceDefinition<ResourceClaimTemplate> = define<ResourceClaimTemplate>(
  {
    group: "resource.k8s.io",
    version: "v1",
    kind: "ResourceClaimTemplate",
    plural: "resourceclaimtemplates",
    singular: "resourceclaimtemplate",
    namespaced: true,
    model: "V1ResourceClaimTemplate",
    setDefaults: (t) => setClaimDefaults(t.spec?.spec?.devices),
    validate,
    validateUpdate: (t, old) => [...validate(t), ...immutable("spec", t.spec, old.spec)],
    columns: [nameColumn, ageColumn],
  },
);
