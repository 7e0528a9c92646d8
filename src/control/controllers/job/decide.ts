// What a Job does next: start, create or delete pods, end well or badly (pkg/controller/job).
import type { Job, JobCondition, Pod } from "../../../core/api/types.ts";
import { isPodActive, isPodReady, isPodTerminating } from "../pods/mod.ts";
import { earlierFailures, judgeFailure, metSuccessRule } from "./policies.ts";
import { podIndex, type Tally, tallyPods } from "./tally.ts";

type Status = NonNullable<Job["status"]>;

export interface JobStep {
  /** To write before anything else; holds everything that is known now. */
  status: Status;
  release: Pod[];
  /** How many pods to make: of these indexes for an Indexed Job. */
  create: number;
  indexes: { index: number; failures: number }[];
  remove: Pod[];
  /** The removed count as failures: the Job has failed. */
  removedFail: boolean;
  recheckMs: number | undefined;
  events: { type: "Normal" | "Warning"; reason: string; message: string }[];
}

const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

const condition = (job: Job, type: string): JobCondition | undefined =>
  job.status?.conditions?.find((c) => c.type === type);
const holds = (job: Job, type: string): boolean => condition(job, type)?.status === "True";
export const isFinished = (job: Job): boolean => holds(job, "Complete") || holds(job, "Failed");

interface End {
  kind: "failed" | "complete";
  reason: string;
  message: string;
}

/** With restarts in place, restarts count as failures too. */
function restartsExceed(job: Job, pods: readonly Pod[], limit: number): boolean {
  if (job.spec?.template.spec?.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const pod of pods.filter(isPodActive))
    for (const c of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])])
      restarts += c.restartCount;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function findEnd(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): End | undefined {
  const spec = job.spec!;
  const target = condition(job, "FailureTarget");
  if (target?.status === "True")
    return { kind: "failed", reason: target.reason ?? "", message: target.message ?? "" };
  const met = condition(job, "SuccessCriteriaMet");
  if (met?.status === "True")
    return { kind: "complete", reason: met.reason ?? "", message: met.message ?? "" };
  if (tally.failJob !== undefined)
    return { kind: "failed", reason: "PodFailurePolicy", message: tally.failJob };
  if (spec.maxFailedIndexes != null && tally.failedIndexes.size > spec.maxFailedIndexes)
    return {
      kind: "failed",
      reason: "MaxFailedIndexesExceeded",
      message: "Job has exceeded the specified maximal number of failed indexes",
    };
  const rule = metSuccessRule(job, tally.completedIndexes);
  if (rule !== undefined)
    return { kind: "complete", reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
  const limit = spec.backoffLimit ?? 6;
  if (tally.failed > limit || restartsExceed(job, pods, limit))
    return {
      kind: "failed",
      reason: "BackoffLimitExceeded",
      message: "Job has reached the specified backoff limit",
    };
  const started = Date.parse(job.status?.startTime ?? "");
  if (
    spec.activeDeadlineSeconds != null &&
    !spec.suspend &&
    nowMs - started >= spec.activeDeadlineSeconds * 1000
  )
    return {
      kind: "failed",
      reason: "DeadlineExceeded",
      message: "Job was active longer than specified deadline",
    };
  if (tally.failedIndexes.size > 0 && tally.succeeded + tally.failedIndexes.size >= (spec.completions ?? 0))
    return { kind: "failed", reason: "FailedIndexes", message: "Job has failed indexes" };
  const enough =
    spec.completions == null
      ? tally.succeeded > 0 && !pods.some(isPodActive)
      : tally.succeeded >= spec.completions;
  return enough
    ? { kind: "complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" }
    : undefined;
}

/** How long after its last failures a Job waits before it makes pods again: 10 s, doubled with each one in a row. */
function backoffLeft(pods: readonly Pod[], failed: number, nowMs: number): number {
  const ends = (phase: string): number[] =>
    pods.filter((p) => p.status?.phase === phase).map((p) => finishedAt(p) ?? 0);
  const lastSuccess = Math.max(0, ...ends("Succeeded"));
  const failures = ends("Failed").filter((t) => t >= lastSuccess);
  if (failures.length === 0 || failed === 0) return 0;
  const wait = Math.min(firstBackoffMs * 2 ** (failures.length - 1), maxBackoffMs);
  return Math.max(0, Math.max(...failures) + wait - nowMs);
}

function finishedAt(pod: Pod): number | undefined {
  const times = (pod.status?.containerStatuses ?? []).map((c) =>
    Date.parse(c.state?.terminated?.finishedAt ?? ""),
  );
  const known = times.filter((t) => !Number.isNaN(t));
  if (known.length > 0) return Math.max(...known);
  const at = Date.parse(pod.status?.conditions?.find((c) => c.type === "Ready")?.lastTransitionTime ?? "");
  return Number.isNaN(at) ? undefined : at;
}

export function decideJob(
  job: Job,
  pods: readonly Pod[],
  { nowMs, time, leaving }: { nowMs: number; time: string; leaving: (pod: Pod) => boolean },
): JobStep {
  const spec = job.spec!;
  const tally = tallyPods(job, pods);
  const active = pods.filter((p) => isPodActive(p) && !leaving(p));
  const terminating = pods.filter((p) => isPodTerminating(p) || (isPodActive(p) && leaving(p)));
  const step: JobStep = {
    status: {},
    release: tally.release,
    create: 0,
    indexes: [],
    remove: [],
    removedFail: false,
    recheckMs: undefined,
    events: [],
  };
  const conditions = [...(job.status?.conditions ?? [])];
  const say = (type: string, status: "True" | "False", reason: string, message: string): boolean => {
    const i = conditions.findIndex((c) => c.type === type);
    if (conditions[i]?.status === status) return false;
    const next = { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
    if (i >= 0) conditions[i] = next;
    else conditions.push(next);
    return true;
  };
  let { startTime, completionTime } = job.status ?? {};
  const finished = isFinished(job);
  if (!startTime && !spec.suspend && !finished) startTime = time as typeof startTime;
  const current: Job = { ...job, status: { ...job.status, ...(startTime ? { startTime } : {}) } };
  const end = finished ? undefined : findEnd(current, pods, tally, nowMs);
  let running = active;
  if (end) {
    step.remove = active;
    step.removedFail = end.kind === "failed";
    running = [];
    say(end.kind === "failed" ? "FailureTarget" : "SuccessCriteriaMet", "True", end.reason, end.message);
    const left = active.length + terminating.length;
    // The last word is said when the last pod is gone and all are counted.
    const uncounted = tally.status.uncountedTerminatedPods;
    const settled =
      left === 0 && !uncounted?.failed?.length && !uncounted?.succeeded?.length && tally.release.length === 0;
    if (settled && end.kind === "failed") {
      say("Failed", "True", end.reason, end.message);
      step.events.push({ type: "Warning", reason: end.reason, message: end.message });
    } else if (settled) {
      say("Complete", "True", end.reason, end.message);
      completionTime = time as typeof completionTime;
      step.events.push({ type: "Normal", reason: "Completed", message: "Job completed" });
    }
  } else if (!finished && !job.metadata.deletionTimestamp) {
    if (spec.suspend) {
      step.remove = active;
      running = [];
      startTime = undefined;
      if (say("Suspended", "True", "JobSuspended", "Job suspended"))
        step.events.push({ type: "Normal", reason: "Suspended", message: "Job suspended" });
    } else {
      if (holds(job, "Suspended") && say("Suspended", "False", "JobResumed", "Job resumed"))
        step.events.push({ type: "Normal", reason: "Resumed", message: "Job resumed" });
      manage(step, current, { active, terminating, tally, pods, nowMs });
      running = active.filter((p) => !step.remove.includes(p));
    }
  }
  const ready = running.filter(isPodReady).length;
  const activeCount = running.length + step.create;
  step.status = {
    ...tally.status,
    ...(activeCount > 0 ? { active: activeCount } : {}),
    ready,
    terminating: terminating.length + step.remove.length,
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(startTime ? { startTime } : {}),
    ...(completionTime ? { completionTime } : {}),
  };
  if (!end && !finished && spec.activeDeadlineSeconds != null && startTime) {
    const left = Date.parse(startTime) + spec.activeDeadlineSeconds * 1000 - nowMs;
    step.recheckMs = Math.min(step.recheckMs ?? left, left);
  }
  return step;
}

interface Work {
  active: Pod[];
  terminating: Pod[];
  tally: Tally;
  pods: readonly Pod[];
  nowMs: number;
}

/** How many pods should run now, against how many do. */
function manage(step: JobStep, job: Job, { active, terminating, tally, pods, nowMs }: Work): void {
  const spec = job.spec!;
  const parallelism = spec.parallelism ?? 1;
  let wanted = parallelism;
  if (spec.completions == null)
    wanted = tally.succeeded > 0 ? Math.min(active.length, parallelism) : parallelism;
  else wanted = Math.min(spec.completions - tally.succeeded - tally.failedIndexes.size, parallelism);
  wanted = Math.max(0, wanted);
  const remove = new Set<Pod>();
  const used = new Set<number>();
  const isDone = (index: number): boolean =>
    tally.completedIndexes.has(index) || tally.failedIndexes.has(index);
  if (spec.completionMode === "Indexed")
    for (const pod of active) {
      const index = podIndex(pod);
      const idle = index === undefined || index >= spec.completions! || isDone(index);
      if (idle || used.has(index)) remove.add(pod);
      else used.add(index);
    }
  const kept = active.filter((p) => !remove.has(p));
  for (const pod of kept.slice(wanted)) remove.add(pod);
  step.remove = [...remove];
  // Failed asks that a pod be gone before it is replaced.
  const occupied = spec.podReplacementPolicy === "Failed" ? terminating.length : 0;
  const missing = wanted - Math.min(kept.length, wanted) - occupied;
  if (missing <= 0) return;
  if (spec.backoffLimitPerIndex != null) {
    createIndexes(step, job, { missing, used, isDone, pods, nowMs });
    return;
  }
  const wait = backoffLeft(pods, tally.failed, nowMs);
  if (wait > 0) {
    step.recheckMs = wait;
    return;
  }
  step.create = Math.min(missing, 500);
  if (spec.completionMode !== "Indexed") return;
  for (let index = 0; index < spec.completions! && step.indexes.length < step.create; index++)
    if (!used.has(index) && !isDone(index)) step.indexes.push({ index, failures: 0 });
  step.create = step.indexes.length;
}

interface Vacancy {
  missing: number;
  used: ReadonlySet<number>;
  isDone(index: number): boolean;
  pods: readonly Pod[];
  nowMs: number;
}

/** With backoffLimitPerIndex every index has failures, and pauses after them, of its own. */
function createIndexes(step: JobStep, job: Job, { missing, used, isDone, pods, nowMs }: Vacancy): void {
  const ended = new Map<number, Pod[]>();
  for (const pod of pods) {
    const index = podIndex(pod);
    if (index === undefined || pod.status?.phase !== "Failed") continue;
    ended.set(index, [...(ended.get(index) ?? []), pod]);
  }
  for (
    let index = 0;
    index < job.spec!.completions! && step.indexes.length < Math.min(missing, 500);
    index++
  ) {
    if (used.has(index) || isDone(index)) continue;
    let failures = 0;
    let wait = 0;
    for (const pod of ended.get(index) ?? []) {
      const counts = judgeFailure(job, pod).action !== "Ignore";
      const n = earlierFailures(pod) + (counts ? 1 : 0);
      failures = Math.max(failures, n);
      const pause = Math.min(firstBackoffMs * 2 ** Math.max(0, n - 1), maxBackoffMs);
      wait = Math.max(wait, (finishedAt(pod) ?? 0) + pause - nowMs);
    }
    if (wait <= 0) step.indexes.push({ index, failures });
    else step.recheckMs = Math.min(step.recheckMs ?? wait, wait);
  }
  step.create = step.indexes.length;
}
