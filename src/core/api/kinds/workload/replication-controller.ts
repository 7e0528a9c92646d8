// v1 ReplicationController (kubernetes pkg/registry/core/replicationcontroller).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { ReplicationController } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { notNegative, required } from "../meta/mod.ts";
import { scale, statusOf } from "../subresources.ts";
import { ageColumn, column, formatLabels, nameColumn, templateColumns } from "../table/mod.ts";
import { labelsText, replicaScale } from "./replica-scale.ts";
import {
  setTemplateDefaults,
  validateCountedStatus,
  validateRunningTemplate,
  workloadWarnings,
} from "./template-rules.ts";

/** Selector and own labels are the template's labels, where the user said none. */
function setDefaults(r: ReplicationController): void {
  r.spec ??= {};
  r.spec.replicas ??= 1;
  setTemplateDefaults(r.spec.template);
  const labels = r.spec.template?.metadata?.labels;
  if (labels) {
    if (Object.keys(r.spec.selector ?? {}).length === 0) r.spec.selector = { ...labels };
    if (Object.keys(r.metadata.labels ?? {}).length === 0) r.metadata.labels = { ...labels };
  }
  r.status ??= { replicas: 0 };
}

function validate(r: ReplicationController): FieldError[] {
  const spec = r.spec ?? {};
  const selector = spec.selector ?? {};
  return [
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...(Object.keys(selector).length === 0 ? [required("spec.selector")] : []),
    ...notNegative("spec.replicas", spec.replicas),
    ...validateRunningTemplate(spec.template, { matchLabels: selector }, { kind: "ReplicationController" }),
  ];
}

export const replicationController: ResourceDefinition<ReplicationController> = define<ReplicationController>(
  {
    group: "",
    version: "v1",
    kind: "ReplicationController",
    plural: "replicationcontrollers",
    singular: "replicationcontroller",
    shortNames: ["rc"],
    categories: ["all"],
    namespaced: true,
    model: "V1ReplicationController",
    subresources: [scale, statusOf("ReplicationController")],
    ...specAndStatus<ReplicationController>(),
    setDefaults,
    prepareForCreate(r) {
      r.status = { replicas: 0 };
      r.metadata.generation = 1;
    },
    validate,
    validateUpdate: validate,
    validateStatusUpdate: (r) => validateCountedStatus(r.status),
    warnings: (r, old) =>
      old && old.metadata.generation === r.metadata.generation
        ? []
        : workloadWarnings(r.metadata.name, r.spec?.template ?? undefined, old === undefined),
    columns: [
      nameColumn,
      column("Desired", "The number of desired pods.", (r) => r.spec?.replicas ?? 0, { type: "integer" }),
      column("Current", "The number of pods.", (r) => r.status?.replicas ?? 0, { type: "integer" }),
      column("Ready", "The number of ready pods.", (r) => r.status?.readyReplicas ?? 0, { type: "integer" }),
      ageColumn,
      ...templateColumns<ReplicationController>((r) => r.spec?.template ?? undefined),
      column("Selector", "Labels of the pods.", (r) => formatLabels(r.spec?.selector), { wide: true }),
    ],
    fields: { "status.replicas": (r) => String(r.status?.replicas ?? 0) },
    scale: replicaScale<ReplicationController>((r) => labelsText(r.spec?.selector)),
  },
);
