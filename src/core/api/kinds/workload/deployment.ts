// apps/v1 Deployment (kubernetes pkg/registry/apps/deployment).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { Deployment, IntOrString } from "../../types.ts";
import { define, keep, keepGeneration, specAndStatus } from "../define.ts";
import {
  forbidden,
  immutable,
  invalid,
  invalidEach,
  notNegative,
  notSupported,
  percent,
  required,
  semanticEqual,
} from "../meta/mod.ts";
import { scale, statusOf } from "../subresources.ts";
import { ageColumn, column, formatLabelSelector, nameColumn, templateColumns } from "../table/mod.ts";
import { replicaScale, selectorText } from "./replica-scale.ts";
import {
  setTemplateDefaults,
  validateRunningTemplate,
  validateSelector,
  workloadWarnings,
} from "./template-rules.ts";

type Spec = NonNullable<Deployment["spec"]>;

function setDefaults(d: Deployment): void {
  d.spec ??= {} as Spec;
  const spec = d.spec;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= "RollingUpdate";
  if (spec.strategy.type === "RollingUpdate") {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  spec.template ??= {};
  setTemplateDefaults(spec.template);
}

/** A count, or a share such as `25%`. */
function validateCountOrPercent(value: IntOrString | undefined, path: string): FieldError[] {
  if (typeof value === "string") return invalidEach(path, value, percent(value));
  return notNegative(path, value);
}

/** What Kubernetes reads from either: the number before the `%`. */
const amount = (value: IntOrString | undefined): number =>
  typeof value === "string" ? Number(/^([0-9]+)%$/.exec(value)?.[1] ?? 0) : (value ?? 0);

/** Kubernetes prints it with Go's names of the fields. */
const goStrategy = (s: Spec["strategy"]): unknown => ({
  Type: s?.type ?? "",
  RollingUpdate: s?.rollingUpdate
    ? { MaxUnavailable: s.rollingUpdate.maxUnavailable ?? 0, MaxSurge: s.rollingUpdate.maxSurge ?? 0 }
    : null,
});

function validateStrategy(strategy: Spec["strategy"], path: string): FieldError[] {
  const rolling = strategy?.rollingUpdate;
  if (strategy?.type === "Recreate")
    return rolling != null
      ? [forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
      : [];
  if (strategy?.type !== "RollingUpdate")
    return [notSupported(path, goStrategy(strategy), ["Recreate", "RollingUpdate"])];
  const here = `${path}.rollingUpdate`;
  if (rolling == null) return [required(here, "this should be defaulted and never be nil")];
  const { maxUnavailable, maxSurge } = rolling as { maxUnavailable?: IntOrString; maxSurge?: IntOrString };
  const errors = [
    ...validateCountOrPercent(maxUnavailable, `${here}.maxUnavailable`),
    ...validateCountOrPercent(maxSurge, `${here}.maxSurge`),
  ];
  if (amount(maxUnavailable) === 0 && amount(maxSurge) === 0)
    errors.push(invalid(`${here}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  if (typeof maxUnavailable === "string" && amount(maxUnavailable) > 100)
    errors.push(invalid(`${here}.maxUnavailable`, maxUnavailable, "must not be greater than 100%"));
  return errors;
}

function validate(d: Deployment): FieldError[] {
  const spec = d.spec ?? ({} as Spec);
  const errors = [
    ...notNegative("spec.replicas", spec.replicas),
    ...validateSelector(spec.selector, "spec.selector"),
    ...validateRunningTemplate(spec.template, spec.selector, { kind: "ReplicaSet" }),
    ...validateStrategy(spec.strategy, "spec.strategy"),
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...notNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
  ];
  const deadline = spec.progressDeadlineSeconds;
  if (deadline != null) {
    errors.push(...notNegative("spec.progressDeadlineSeconds", deadline));
    if (deadline <= (spec.minReadySeconds ?? 0))
      errors.push(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
  }
  return errors;
}

const counts = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "collisionCount",
] as const;

function validateStatus(d: Deployment, old: Deployment): FieldError[] {
  const status = d.status ?? {};
  const errors = counts.flatMap((k) => notNegative(`status.${k}`, status[k]));
  for (const k of ["updatedReplicas", "readyReplicas", "availableReplicas"] as const)
    if ((status[k] ?? 0) > (status.replicas ?? 0))
      errors.push(invalid(`status.${k}`, status[k], "cannot be greater than status.replicas"));
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0))
    errors.push(
      invalid("status.availableReplicas", status.availableReplicas, "cannot be greater than readyReplicas"),
    );
  if (old.status?.collisionCount != null && (status.collisionCount ?? -1) < old.status.collisionCount)
    errors.push(invalid("status.collisionCount", status.collisionCount, "cannot be decremented"));
  return errors;
}

export const deployment: ResourceDefinition<Deployment> = define<Deployment>({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  singular: "deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  model: "V1Deployment",
  subresources: [scale, statusOf("Deployment")],
  ...specAndStatus<Deployment>(),
  prepareForUpdate(d, old) {
    keep(d, old, "status");
    // Annotations are copied to ReplicaSets: the controller must look again when they change.
    const same =
      semanticEqual(d.spec, old.spec) && semanticEqual(d.metadata.annotations, old.metadata.annotations);
    d.metadata.generation = (old.metadata.generation ?? 0) + (same ? 0 : 1);
  },
  prepareForStatusUpdate(d, old) {
    keep(d, old, "spec");
    keepGeneration(d, old);
    if (old.metadata.labels) d.metadata.labels = { ...old.metadata.labels };
    else delete d.metadata.labels;
  },
  setDefaults,
  validate,
  validateUpdate: (d, old) => [
    ...validate(d),
    ...immutable("spec.selector", d.spec?.selector, old.spec?.selector),
  ],
  validateStatusUpdate: validateStatus,
  warnings: (d, old) =>
    old && old.metadata.generation === d.metadata.generation
      ? []
      : workloadWarnings(d.metadata.name, d.spec?.template, old === undefined),
  columns: [
    nameColumn,
    column(
      "Ready",
      "Number of the pod with ready state",
      (d) => `${d.status?.readyReplicas ?? 0}/${d.spec?.replicas ?? 0}`,
    ),
    column("Up-to-date", "Pods of the newest template.", (d) => d.status?.updatedReplicas ?? 0),
    column("Available", "Pods ready for at least minReadySeconds.", (d) => d.status?.availableReplicas ?? 0),
    ageColumn,
    ...templateColumns<Deployment>((d) => d.spec?.template),
    column("Selector", "Label selector for pods.", (d) => formatLabelSelector(d.spec?.selector), {
      wide: true,
    }),
  ],
  scale: replicaScale<Deployment>((d) => selectorText(d.spec?.selector)),
});
