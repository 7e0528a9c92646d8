// apps/v1 StatefulSet (kubernetes pkg/registry/apps/statefulset).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { PersistentVolumeClaim, StatefulSet } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { forbidden, notNegative, notSupported, required, semanticEqual } from "../meta/mod.ts";
import { setClaimDefaults, validateClaimSpec } from "../storage/mod.ts";
import { scale, statusOf } from "../subresources.ts";
import { ageColumn, column, nameColumn, templateColumns } from "../table/mod.ts";
import { replicaScale, selectorText } from "./replica-scale.ts";
import {
  setTemplateDefaults,
  validateRunningTemplate,
  validateSelector,
  workloadWarnings,
} from "./template-rules.ts";

type Spec = NonNullable<StatefulSet["spec"]>;

function setDefaults(s: StatefulSet): void {
  s.spec ??= {} as Spec;
  const spec = s.spec;
  spec.podManagementPolicy ||= "OrderedReady";
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= "Retain";
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.template ??= {};
  setTemplateDefaults(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion = "v1";
    claim.kind = "PersistentVolumeClaim";
    setClaimDefaults(claim as PersistentVolumeClaim);
  }
  s.status = { replicas: 0, ...s.status };
}

/** The template as its pods have it: with a volume for each claim. */
function claimedTemplate(spec: Spec): Spec["template"] {
  const { template } = spec;
  const claims = spec.volumeClaimTemplates ?? [];
  if (!template?.spec || claims.length === 0) return template;
  const names = new Set(claims.map((c) => c.metadata?.name));
  const volumes = [
    ...(template.spec.volumes ?? []).filter((v) => !names.has(v.name)),
    ...[...names].map((name = "") => ({ name, persistentVolumeClaim: { claimName: name } })),
  ];
  return { ...template, spec: { ...template.spec, volumes } };
}

function validate(s: StatefulSet): FieldError[] {
  const spec = s.spec ?? ({} as Spec);
  const errors: FieldError[] = [];
  const policies = ["OrderedReady", "Parallel"];
  if (!policies.includes(spec.podManagementPolicy ?? ""))
    errors.push(notSupported("spec.podManagementPolicy", spec.podManagementPolicy, policies));
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (!type) errors.push(required("spec.updateStrategy"));
  else if (type !== "OnDelete" && type !== "RollingUpdate")
    errors.push(notSupported("spec.updateStrategy", type, ["OnDelete", "RollingUpdate"]));
  return [
    ...errors,
    ...notNegative("spec.updateStrategy.rollingUpdate.partition", rollingUpdate?.partition),
    ...(spec.volumeClaimTemplates ?? []).flatMap((c, i) =>
      validateClaimSpec(c.spec, `spec.volumeClaimTemplates[${i}].spec`),
    ),
    ...notNegative("spec.replicas", spec.replicas),
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...notNegative("spec.ordinals.start", spec.ordinals?.start),
    ...validateSelector(spec.selector, "spec.selector", "statefulset"),
    ...validateRunningTemplate(claimedTemplate(spec), spec.selector, { kind: "StatefulSet" }),
  ];
}

const mutable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

function validateUpdate(s: StatefulSet, old: StatefulSet): FieldError[] {
  const rest = (spec: Spec | undefined): object => {
    const copy = { ...spec };
    for (const key of mutable) delete copy[key];
    return copy;
  };
  if (semanticEqual(rest(s.spec), rest(old.spec))) return validate(s);
  return [
    ...validate(s),
    forbidden(
      "spec",
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

export const statefulSet: ResourceDefinition<StatefulSet> = define<StatefulSet>({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  singular: "statefulset",
  shortNames: ["sts"],
  categories: ["all"],
  namespaced: true,
  model: "V1StatefulSet",
  subresources: [scale, statusOf("StatefulSet")],
  ...specAndStatus<StatefulSet>(),
  prepareForCreate(s) {
    s.status = { replicas: 0 };
    s.metadata.generation = 1;
  },
  setDefaults,
  validate,
  validateUpdate,
  warnings: (s, old) =>
    old && old.metadata.generation === s.metadata.generation
      ? []
      : workloadWarnings(s.metadata.name, s.spec?.template, old === undefined),
  columns: [
    nameColumn,
    column(
      "Ready",
      "Number of the pod with ready state",
      (s) => `${s.status?.readyReplicas ?? 0}/${s.spec?.replicas ?? 0}`,
    ),
    ageColumn,
    ...templateColumns<StatefulSet>((s) => s.spec?.template),
  ],
  scale: replicaScale<StatefulSet>((s) => selectorText(s.spec?.selector)),
});
