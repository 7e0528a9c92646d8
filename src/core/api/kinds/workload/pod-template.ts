// v1 PodTemplate: a template that is kept by itself (kubernetes pkg/registry/core/podtemplate).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { PodTemplate } from "../../types.ts";
import { define } from "../define.ts";
import { semanticEqual } from "../meta/mod.ts";
import { podWarnings, validateTemplate } from "../pod/mod.ts";
import { column, formatLabels, nameColumn, templateColumns } from "../table/mod.ts";
import { setTemplateDefaults } from "./template-rules.ts";

const validate = (t: PodTemplate): FieldError[] => validateTemplate(t.template ?? {}, "template");

export const podTemplate: ResourceDefinition<PodTemplate> = define<PodTemplate>({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  singular: "podtemplate",
  namespaced: true,
  model: "V1PodTemplate",
  setDefaults(t) {
    t.template ??= {};
    setTemplateDefaults(t.template);
  },
  prepareForCreate(t) {
    t.metadata.generation = 1;
  },
  prepareForUpdate(t, old) {
    t.metadata.generation =
      (old.metadata.generation ?? 0) + (semanticEqual(t.template, old.template) ? 0 : 1);
  },
  validate,
  validateUpdate: validate,
  warnings: (t, old) =>
    (old && old.metadata.generation === t.metadata.generation) || !t.template?.spec
      ? []
      : podWarnings(t.template.spec, t.template.metadata ?? {}, "template"),
  columns: [
    nameColumn,
    ...templateColumns<PodTemplate>((t) => t.template, { wide: false }),
    column("Pod Labels", "The labels for the pod template.", (t) =>
      formatLabels(t.template?.metadata?.labels),
    ),
  ],
});
