// apps/v1 DaemonSet (kubernetes pkg/registry/apps/daemonset).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { DaemonSet, IntOrString } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import {
  immutable,
  invalid,
  invalidEach,
  notNegative,
  notSupported,
  percent,
  required,
} from "../meta/mod.ts";
import { statusOf } from "../subresources.ts";
import {
  ageColumn,
  column,
  formatLabelSelector,
  formatLabels,
  nameColumn,
  templateColumns,
} from "../table/mod.ts";
import {
  setTemplateDefaults,
  validateRunningTemplate,
  validateSelector,
  workloadWarnings,
} from "./template-rules.ts";

type Spec = NonNullable<DaemonSet["spec"]>;
type Status = NonNullable<DaemonSet["status"]>;

function setDefaults(d: DaemonSet): void {
  d.spec ??= {} as Spec;
  const spec = d.spec;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  spec.template ??= {};
  setTemplateDefaults(spec.template);
  d.status = {
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
    ...d.status,
  } as Status;
}

function validateShare(value: IntOrString | undefined, path: string): FieldError[] {
  return typeof value === "string" ? invalidEach(path, value, percent(value)) : notNegative(path, value);
}

const isZero = (v: IntOrString | undefined): boolean => v === undefined || v === 0 || v === "0%";

function validateStrategy({ type, rollingUpdate }: NonNullable<Spec["updateStrategy"]>): FieldError[] {
  const path = "spec.updateStrategy";
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate") return [notSupported(`${path}.type`, type, ["OnDelete", "RollingUpdate"])];
  if (!rollingUpdate) return [required(`${path}.rollingUpdate`)];
  const { maxSurge, maxUnavailable } = rollingUpdate;
  const inner = `${path}.rollingUpdate`;
  const errors = [
    ...validateShare(maxUnavailable, `${inner}.maxUnavailable`),
    ...validateShare(maxSurge, `${inner}.maxSurge`),
  ];
  if (isZero(maxSurge) && isZero(maxUnavailable))
    errors.push(invalid(`${inner}.maxUnavailable`, maxUnavailable, "cannot be 0 when maxSurge is 0"));
  else if (!isZero(maxSurge) && !isZero(maxUnavailable))
    errors.push(invalid(`${inner}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  return errors;
}

function validate(d: DaemonSet): FieldError[] {
  const spec = d.spec ?? ({} as Spec);
  return [
    ...validateSelector(spec.selector, "spec.selector", "daemonset"),
    ...validateRunningTemplate(spec.template, spec.selector, { kind: "DaemonSet" }),
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...notNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
  ];
}

const count = (name: string, description: string, of: keyof Status) =>
  column<DaemonSet>(name, description, (d) => (d.status?.[of] as number | undefined) ?? 0, {
    type: "integer",
  });

export const daemonSet: ResourceDefinition<DaemonSet> = define<DaemonSet>({
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  singular: "daemonset",
  shortNames: ["ds"],
  categories: ["all"],
  namespaced: true,
  model: "V1DaemonSet",
  subresources: [statusOf("DaemonSet")],
  ...specAndStatus<DaemonSet>(),
  prepareForCreate(d) {
    delete d.status;
    setDefaults(d);
    d.metadata.generation = 1;
  },
  setDefaults,
  validate,
  validateUpdate: (d, old) => [
    ...validate(d),
    ...immutable("spec.selector", d.spec?.selector, old.spec?.selector),
  ],
  warnings: (d, old) =>
    old && old.metadata.generation === d.metadata.generation
      ? []
      : workloadWarnings(d.metadata.name, d.spec?.template, old === undefined),
  columns: [
    nameColumn,
    count("Desired", "Nodes that should run the pod.", "desiredNumberScheduled"),
    count("Current", "Nodes that should and do run it.", "currentNumberScheduled"),
    count("Ready", "Nodes whose pod is ready.", "numberReady"),
    count("Up-to-date", "Nodes with a pod of the newest template.", "updatedNumberScheduled"),
    count("Available", "Nodes whose pod has been ready long enough.", "numberAvailable"),
    column("Node Selector", "Labels of the nodes that run it.", (d) =>
      formatLabels(d.spec?.template.spec?.nodeSelector),
    ),
    ageColumn,
    ...templateColumns<DaemonSet>((d) => d.spec?.template),
    column("Selector", "Label selector for pods.", (d) => formatLabelSelector(d.spec?.selector), {
      wide: true,
    }),
  ],
});
