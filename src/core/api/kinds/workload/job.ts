// batch/v1 Job (kubernetes pkg/registry/batch/job).
import type { ResourceDefinition } from "../../resource.ts";
import { labelSelectorMatches } from "../../selector/mod.ts";
import type { FieldError } from "../../status.ts";
import type { Job, JobSpec } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import {
  dns1123Subdomain,
  immutable,
  invalid,
  invalidEach,
  notNegative,
  notSupported,
  required,
  tooLong,
} from "../meta/mod.ts";
import { validateTemplate } from "../pod/mod.ts";
import { statusOf } from "../subresources.ts";
import {
  ageColumn,
  column,
  formatLabelSelector,
  humanDuration,
  nameColumn,
  templateColumns,
} from "../table/mod.ts";
import { setTemplateDefaults, workloadWarnings } from "./template-rules.ts";

function setDefaults(j: Job): void {
  j.spec ??= {} as JobSpec;
  const spec = j.spec;
  if (spec.completions == null && spec.parallelism == null) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex == null ? 6 : 2 ** 31 - 1;
  spec.completionMode ||= "NonIndexed";
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy == null ? "TerminatingOrFailed" : "Failed";
  spec.template ??= {};
  setTemplateDefaults(spec.template);
  if (!j.metadata.labels && spec.template.metadata?.labels)
    j.metadata.labels = { ...spec.template.metadata.labels };
}

/** Gives the Job's pods a selector of their own, unless its user takes care of that. */
function generateSelector(j: Job): void {
  if (j.spec!.manualSelector) return;
  const { name, uid } = j.metadata;
  const template = j.spec!.template;
  template.metadata ??= {};
  template.metadata.labels = {
    ...template.metadata.labels,
    "batch.kubernetes.io/controller-uid": uid ?? "",
    "batch.kubernetes.io/job-name": name ?? "",
    "controller-uid": uid ?? "",
    "job-name": name ?? "",
  };
  j.spec!.selector = {
    ...j.spec!.selector,
    matchLabels: { ...j.spec!.selector?.matchLabels, "batch.kubernetes.io/controller-uid": uid ?? "" },
  };
}

const maxManager = 63;

/** A name below a domain, such as "acme.io/foo". */
function validateManager(field: string, value: string): FieldError[] {
  const slash = value.indexOf("/");
  const domain = value.slice(0, slash);
  if (value === "") return [required(field)];
  if (slash <= 0 || slash === value.length - 1)
    return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  return [
    ...invalidEach(field, domain, dns1123Subdomain(domain)),
    ...(value.length > maxManager ? [tooLong(field, maxManager)] : []),
  ];
}

/** The rules of a Job's spec, also inside a CronJob, where there is no selector yet. */
export function validateJobSpec(spec: JobSpec, path: string, hasSelector: boolean): FieldError[] {
  const errors = [
    ...notNegative(`${path}.parallelism`, spec.parallelism),
    ...notNegative(`${path}.completions`, spec.completions),
    ...notNegative(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...notNegative(`${path}.backoffLimit`, spec.backoffLimit),
    ...notNegative(`${path}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished),
    ...notNegative(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex),
    ...notNegative(`${path}.maxFailedIndexes`, spec.maxFailedIndexes),
  ];
  if (spec.managedBy != null) errors.push(...validateManager(`${path}.managedBy`, spec.managedBy));
  const modes = ["Indexed", "NonIndexed"];
  if (spec.completionMode && !modes.includes(spec.completionMode))
    errors.push(notSupported(`${path}.completionMode`, spec.completionMode, modes));
  if (spec.completionMode === "Indexed" && spec.completions == null)
    errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
  if (hasSelector && spec.selector && !labelSelectorMatches(spec.selector, spec.template.metadata?.labels))
    errors.push(
      invalid(
        `${path}.template.metadata.labels`,
        spec.template.metadata?.labels ?? null,
        "`selector` does not match template `labels`",
      ),
    );
  errors.push(...validateTemplate(spec.template, `${path}.template`));
  const policy = spec.template.spec?.restartPolicy;
  if (policy === "Always")
    errors.push(required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  else if (policy !== "OnFailure" && policy !== "Never")
    errors.push(notSupported(`${path}.template.spec.restartPolicy`, policy, ["OnFailure", "Never"]));
  return errors;
}

function validateUpdate(j: Job, old: Job): FieldError[] {
  const spec = j.spec!;
  const was = old.spec!;
  const errors = validateJobSpec(spec, "spec", true);
  const elastic =
    spec.completionMode === "Indexed" &&
    spec.completions === spec.parallelism &&
    was.completions === was.parallelism;
  if (!elastic) errors.push(...immutable("spec.completions", spec.completions, was.completions));
  errors.push(...immutable("spec.selector", spec.selector, was.selector));
  // A Job that was suspended before it ever started may still be aimed at other nodes.
  if (!(was.suspend && !old.status?.startTime))
    errors.push(...immutable("spec.template", spec.template, was.template));
  errors.push(...immutable("spec.managedBy", spec.managedBy, was.managedBy));
  errors.push(...immutable("spec.completionMode", spec.completionMode, was.completionMode));
  errors.push(...immutable("spec.backoffLimitPerIndex", spec.backoffLimitPerIndex, was.backoffLimitPerIndex));
  return errors;
}

function statusCell(j: Job): string {
  const is = (type: string): boolean =>
    j.status?.conditions?.some((c) => c.type === type && c.status === "True") ?? false;
  if (is("Complete")) return "Complete";
  if (is("Failed")) return "Failed";
  if (j.metadata.deletionTimestamp) return "Terminating";
  for (const type of ["Suspended", "FailureTarget", "SuccessCriteriaMet"]) if (is(type)) return type;
  return "Running";
}

function completionsCell(j: Job): string {
  const done = j.status?.succeeded ?? 0;
  const { completions, parallelism = 0 } = j.spec ?? ({} as JobSpec);
  if (completions != null) return `${done}/${completions}`;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function durationCell(j: Job, now: number): string {
  const { startTime, completionTime } = j.status ?? {};
  if (!startTime) return "";
  return humanDuration((completionTime ? Date.parse(completionTime) : now) - Date.parse(startTime));
}

export const job: ResourceDefinition<Job> = define<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  singular: "job",
  categories: ["all"],
  namespaced: true,
  model: "V1Job",
  subresources: [statusOf("Job")],
  ...specAndStatus<Job>(),
  setDefaults,
  prepareForCreate(j) {
    generateSelector(j);
    j.status = {};
    j.metadata.generation = 1;
  },
  validate: (j) => validateJobSpec(j.spec!, "spec", true),
  validateUpdate,
  warnings: (j, old) =>
    old && old.metadata.generation === j.metadata.generation
      ? []
      : workloadWarnings(j.metadata.name, j.spec?.template, old === undefined),
  columns: [
    nameColumn,
    column("Status", "Whether the Job runs, is complete or has failed.", statusCell),
    column("Completions", "Pods that succeeded, of those wanted.", completionsCell),
    column("Duration", "From its start to its end or now.", durationCell),
    ageColumn,
    ...templateColumns<Job>((j) => j.spec?.template),
    column("Selector", "Label selector for pods.", (j) => formatLabelSelector(j.spec?.selector), {
      wide: true,
    }),
  ],
  fields: { "status.successful": (j) => String(j.status?.succeeded ?? 0) },
});
