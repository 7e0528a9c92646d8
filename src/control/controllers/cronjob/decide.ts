// What is due for a CronJob (pkg/controller/cronjob).
import { nextCronTime, parseCronSchedule } from "../../../core/api/kinds/mod.ts";
import type { CronJob, Job } from "../../../core/api/types.ts";

export interface CronStep {
  /** Milliseconds since the epoch of the run that is due. */
  due: number | undefined;
  /** Why the run that is due is not started. */
  held: "running" | "too late" | undefined;
  /** Running Jobs that the new one replaces. */
  replace: Job[];
  /** Finished Jobs beyond the history limits. */
  expired: Job[];
  tooManyMissed: boolean;
  recheckMs: number | undefined;
}

const tooMany = 100;
export const scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/** Started by the schedule and not over: `kubectl create job --from` makes Jobs that count for the history alone. */
export const isActive = (j: Job): boolean => !endOf(j) && !j.metadata.deletionTimestamp && isScheduled(j);

const isScheduled = (j: Job): boolean => j.metadata.annotations?.[scheduledAnnotation] !== undefined;

/** Still running, and not started by the schedule. */
export const isUnexpected = (j: Job): boolean => !endOf(j) && !isScheduled(j);

export const endOf = (job: Job): "Complete" | "Failed" | undefined =>
  job.status?.conditions?.find((c) => (c.type === "Complete" || c.type === "Failed") && c.status === "True")
    ?.type as "Complete" | "Failed" | undefined;

const startOf = (job: Job): string => String(job.status?.startTime ?? job.metadata.creationTimestamp ?? "");

function beyondLimit(jobs: readonly Job[], end: "Complete" | "Failed", limit: number | undefined): Job[] {
  if (limit === undefined) return [];
  const ended = jobs.filter((j) => endOf(j) === end).sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
  return ended.slice(0, Math.max(0, ended.length - limit));
}

export function decideCron(cron: CronJob, jobs: readonly Job[], nowMs: number): CronStep {
  const spec = cron.spec!;
  const step: CronStep = {
    due: undefined,
    held: undefined,
    replace: [],
    expired: [
      ...beyondLimit(jobs, "Complete", spec.successfulJobsHistoryLimit),
      ...beyondLimit(jobs, "Failed", spec.failedJobsHistoryLimit),
    ],
    tooManyMissed: false,
    recheckMs: undefined,
  };
  const schedule = parseCronSchedule(spec.schedule);
  if (typeof schedule === "string" || spec.suspend || cron.metadata.deletionTimestamp) return step;
  const deadlineMs = spec.startingDeadlineSeconds == null ? undefined : spec.startingDeadlineSeconds * 1000;
  let from = Date.parse(String(cron.status?.lastScheduleTime ?? cron.metadata.creationTimestamp));
  if (deadlineMs !== undefined) from = Math.max(from, nowMs - deadlineMs);
  let missed = 0;
  let next = nextCronTime(schedule, from, spec.timeZone);
  while (next !== undefined && next <= nowMs) {
    step.due = next;
    if (++missed > tooMany) {
      // After a long sleep only the latest run counts: look for it near now.
      step.tooManyMissed = true;
      next = nextCronTime(schedule, Math.max(next, nowMs - 3_600_000), spec.timeZone);
      if (missed > 100 * tooMany) break;
    } else next = nextCronTime(schedule, next, spec.timeZone);
  }
  if (next !== undefined && next > nowMs) step.recheckMs = next - nowMs;
  if (step.due === undefined) return step;
  if (deadlineMs !== undefined && step.due + deadlineMs < nowMs) step.held = "too late";
  const running = jobs.filter(isActive);
  if (running.length > 0 && spec.concurrencyPolicy === "Forbid") step.held ??= "running";
  else if (spec.concurrencyPolicy === "Replace") step.replace = running;
  return step;
}
