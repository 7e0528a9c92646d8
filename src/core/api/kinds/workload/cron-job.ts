// batch/v1 CronJob (kubernetes pkg/registry/batch/cronjob).
import type { ResourceDefinition } from "../../resource.ts";
import type { FieldError } from "../../status.ts";
import type { CronJob } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { invalid, notNegative, notSupported, required } from "../meta/mod.ts";
import { statusOf } from "../subresources.ts";
import { age, ageColumn, column, formatLabelSelector, nameColumn, templateColumns } from "../table/mod.ts";
import { parseCronSchedule } from "./cron-schedule.ts";
import { validateJobSpec } from "./job.ts";
import { setTemplateDefaults } from "./template-rules.ts";

type Spec = NonNullable<CronJob["spec"]>;

function setDefaults(c: CronJob): void {
  c.spec ??= {} as Spec;
  const spec = c.spec;
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  spec.jobTemplate ??= {};
  spec.jobTemplate.metadata ??= {};
  spec.jobTemplate.spec ??= {} as NonNullable<Spec["jobTemplate"]["spec"]>;
  spec.jobTemplate.spec.template ??= {};
  setTemplateDefaults(spec.jobTemplate.spec.template);
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function validate(c: CronJob): FieldError[] {
  const spec = c.spec!;
  const errors: FieldError[] = [];
  if (!spec.schedule) errors.push(required("spec.schedule"));
  else {
    const parsed = parseCronSchedule(spec.schedule);
    if (typeof parsed === "string") errors.push(invalid("spec.schedule", spec.schedule, parsed));
  }
  if (spec.timeZone !== undefined && spec.timeZone !== null && !isTimeZone(spec.timeZone))
    errors.push(invalid("spec.timeZone", spec.timeZone, `unknown time zone ${spec.timeZone}`));
  errors.push(...notNegative("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds));
  const policies = ["Allow", "Forbid", "Replace"];
  if (!policies.includes(spec.concurrencyPolicy!))
    errors.push(notSupported("spec.concurrencyPolicy", spec.concurrencyPolicy, policies));
  errors.push(...validateJobSpec(spec.jobTemplate.spec!, "spec.jobTemplate.spec", false));
  errors.push(...notNegative("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit));
  errors.push(...notNegative("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit));
  if ((c.metadata.name ?? "").length > 52)
    errors.push(invalid("metadata.name", c.metadata.name, "must be no more than 52 characters"));
  return errors;
}

export const cronJob: ResourceDefinition<CronJob> = define<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  singular: "cronjob",
  shortNames: ["cj"],
  categories: ["all"],
  namespaced: true,
  model: "V1CronJob",
  subresources: [statusOf("CronJob")],
  ...specAndStatus<CronJob>(),
  prepareForCreate(c) {
    c.status = {};
    c.metadata.generation = 1;
  },
  setDefaults,
  validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    column("Schedule", "When it runs, in cron's form.", (c) => c.spec?.schedule ?? ""),
    column("Timezone", "The time zone of the schedule.", (c) => c.spec?.timeZone ?? "<none>"),
    column("Suspend", "Whether further runs are held back.", (c) => (c.spec?.suspend ? "True" : "False")),
    column("Active", "Jobs that run now.", (c) => c.status?.active?.length ?? 0, { type: "integer" }),
    column("Last Schedule", "When it ran last.", (c, now) =>
      c.status?.lastScheduleTime ? age(c.status.lastScheduleTime, now) : "<none>",
    ),
    ageColumn,
    ...templateColumns<CronJob>((c) => c.spec?.jobTemplate.spec?.template),
    column(
      "Selector",
      "Label selector for pods.",
      (c) => formatLabelSelector(c.spec?.jobTemplate.spec?.selector),
      {
        wide: true,
      },
    ),
  ],
});
