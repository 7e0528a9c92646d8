// apps/v1 ReplicaSet (kubernetes pkg/registry/apps/replicaset).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { ReplicaSet } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { immutable, notNegative } from "../meta/mod.ts";
import { scale, statusOf } from "../subresources.ts";
import { ageColumn, column, formatLabelSelector, nameColumn, templateColumns } from "../table/mod.ts";
import { replicaScale, selectorText } from "./replica-scale.ts";
import {
  setTemplateDefaults,
  validateCountedStatus,
  validateRunningTemplate,
  validateSelector,
  workloadWarnings,
} from "./template-rules.ts";

type Spec = NonNullable<ReplicaSet["spec"]>;

function validate(r: ReplicaSet): FieldError[] {
  const spec = r.spec ?? ({} as Spec);
  return [
    ...notNegative("spec.replicas", spec.replicas),
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...validateSelector(spec.selector, "spec.selector"),
    ...validateRunningTemplate(spec.template ?? {}, spec.selector, { kind: "ReplicaSet" }),
  ];
}

export const replicaSet: ResourceDefinition<ReplicaSet> = define<ReplicaSet>({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  singular: "replicaset",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  model: "V1ReplicaSet",
  subresources: [scale, statusOf("ReplicaSet")],
  ...specAndStatus<ReplicaSet>(),
  setDefaults(r) {
    r.spec ??= {} as Spec;
    r.spec.replicas ??= 1;
    r.spec.template ??= {};
    setTemplateDefaults(r.spec.template);
    r.status ??= { replicas: 0 };
  },
  prepareForCreate(r) {
    r.status = { replicas: 0 };
    r.metadata.generation = 1;
  },
  validate,
  validateUpdate: (r, old) => [
    ...validate(r),
    ...immutable("spec.selector", r.spec?.selector, old.spec?.selector),
  ],
  validateStatusUpdate: (r) => validateCountedStatus(r.status),
  warnings: (r, old) =>
    old && old.metadata.generation === r.metadata.generation
      ? []
      : workloadWarnings(r.metadata.name, r.spec?.template, old === undefined),
  columns: [
    nameColumn,
    column("Desired", "The number of desired pods.", (r) => r.spec?.replicas ?? 0, { type: "integer" }),
    column("Current", "The number of pods.", (r) => r.status?.replicas ?? 0, { type: "integer" }),
    column("Ready", "The number of ready pods.", (r) => r.status?.readyReplicas ?? 0, { type: "integer" }),
    ageColumn,
    ...templateColumns<ReplicaSet>((r) => r.spec?.template),
    column("Selector", "Label selector for pods.", (r) => formatLabelSelector(r.spec?.selector), {
      wide: true,
    }),
  ],
  fields: { "status.replicas": (r) => String(r.status?.replicas ?? 0) },
  scale: replicaScale<ReplicaSet>((r) => selectorText(r.spec?.selector)),
});
