// The status of a Deployment: its counts, whether it is available, and whether it gets on (pkg/controller/deployment
// progress.go, sync.go).
import type { Deployment, DeploymentCondition, ReplicaSet } from "../../../core/api/types.ts";
import { rollingBounds, wantedReplicas } from "./bounds.ts";

export type DeploymentStatus = NonNullable<Deployment["status"]>;

const noDeadline = 2 ** 31 - 1;

export function hasDeadline(d: Deployment): boolean {
  const seconds = d.spec?.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== noDeadline;
}

export function conditionOf(
  status: DeploymentStatus | undefined,
  type: string,
): DeploymentCondition | undefined {
  return status?.conditions?.find((c) => c.type === type);
}

/** What a condition says; its times are `time` unless something is kept. */
export interface ConditionText {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}

/** Sets a condition; one that says the same is left alone, one of the same status keeps its transition time. */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  text: ConditionText,
  time: string,
): DeploymentCondition[] {
  const old = conditions.find((c) => c.type === text.type);
  if (old && old.status === text.status && old.reason === text.reason) return [...conditions];
  const lastTransitionTime = old?.status === text.status ? (old.lastTransitionTime ?? time) : time;
  return [...conditions.filter((c) => c !== old), { ...text, lastUpdateTime: time, lastTransitionTime }];
}

/** Counts and the Available condition; other conditions stay. Zero counts are left out, as in Go's JSON. */
export function countStatus(
  d: Deployment,
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  time: string,
): DeploymentStatus {
  const sum = (of: (s: NonNullable<ReplicaSet["status"]>) => number | undefined): number =>
    all.reduce((n, rs) => n + ((rs.status && of(rs.status)) ?? 0), 0);
  const replicas = sum((s) => s.replicas);
  const available = sum((s) => s.availableReplicas);
  const counts = {
    replicas,
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum((s) => s.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, replicas - available),
  };
  const status: DeploymentStatus = {
    ...(d.metadata.generation ? { observedGeneration: d.metadata.generation } : {}),
  };
  for (const [name, n] of Object.entries(counts)) if (n > 0) status[name as keyof typeof counts] = n;
  status.terminatingReplicas = sum((s) => s.terminatingReplicas);
  if (d.status?.collisionCount !== undefined) status.collisionCount = d.status.collisionCount;
  const enough = available >= wantedReplicas(d) - rollingBounds(d).maxUnavailable;
  const text: ConditionText = enough
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
  status.conditions = withCondition(d.status?.conditions ?? [], text, time);
  return status;
}

/** Every replica is of the newest template and available, none else is left. */
export function isComplete(d: Deployment, s: DeploymentStatus): boolean {
  const wanted = wantedReplicas(d);
  return (
    (s.updatedReplicas ?? 0) === wanted &&
    (s.replicas ?? 0) === wanted &&
    (s.availableReplicas ?? 0) === wanted &&
    (s.observedGeneration ?? 0) >= (d.metadata.generation ?? 0)
  );
}

/** The counts before a new ReplicaSet was made were another's: its first pods are progress whatever they say. */
function isProgressing(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const justMade = conditionOf(before, "Progressing")?.reason === "NewReplicaSetCreated";
  if (justMade && (after.updatedReplicas ?? 0) > 0) return true;
  const old = (s: DeploymentStatus): number => (s.replicas ?? 0) - (s.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function deadlineMs(d: Deployment, progressing: DeploymentCondition): number {
  return Date.parse(progressing.lastUpdateTime ?? "") + (d.spec?.progressDeadlineSeconds ?? 0) * 1000;
}

function isTimedOut(d: Deployment, s: DeploymentStatus, nowMs: number): boolean {
  const progressing = conditionOf(s, "Progressing");
  if (!progressing || progressing.reason === "NewReplicaSetAvailable") return false;
  return progressing.reason === "ProgressDeadlineExceeded" || deadlineMs(d, progressing) < nowMs;
}

/** The status during a rollout: counts, Progressing with its deadline, and what keeps ReplicaSets from making pods. */
export function rolloutStatus(
  d: Deployment,
  current: ReplicaSet | undefined,
  { all, nowMs, time }: { all: readonly ReplicaSet[]; nowMs: number; time: string },
): DeploymentStatus {
  const status = countStatus(d, current, all, time);
  let conditions = status.conditions ?? [];
  const progressing = conditionOf(d.status, "Progressing");
  if (!hasDeadline(d)) conditions = conditions.filter((c) => c.type !== "Progressing");
  const settled =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) &&
    progressing?.reason === "NewReplicaSetAvailable";
  if (hasDeadline(d) && !settled) {
    const who = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${d.metadata.name}"`;
    const say = (state: "True" | "False", reason: string, what: string): ConditionText => ({
      type: "Progressing",
      status: state,
      reason,
      message: `${who} ${what}`,
    });
    if (isComplete(d, status)) {
      const done = say("True", "NewReplicaSetAvailable", "has successfully progressed.");
      conditions = withCondition(conditions, done, time);
    } else if (isProgressing(d.status ?? {}, status)) {
      // Each step renews lastUpdateTime, from which the deadline counts.
      const since = progressing?.status === "True" ? progressing.lastTransitionTime : undefined;
      const going = say("True", "ReplicaSetUpdated", "is progressing.");
      conditions = [
        ...conditions.filter((c) => c.type !== "Progressing"),
        { ...going, lastUpdateTime: time, lastTransitionTime: since ?? time },
      ];
    } else if (isTimedOut(d, status, nowMs)) {
      const late = say("False", "ProgressDeadlineExceeded", "has timed out progressing.");
      conditions = withCondition(conditions, late, time);
    }
  }
  const failure = replicaFailure(current, all);
  conditions = failure
    ? withCondition(conditions, failure, time)
    : conditions.filter((c) => c.type !== "ReplicaFailure");
  return { ...status, conditions };
}

/** The newest ReplicaSet's failure, or any other's. */
function replicaFailure(
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
): ConditionText | undefined {
  for (const rs of current ? [current, ...all] : all) {
    const c = rs.status?.conditions?.find((x) => x.type === "ReplicaFailure");
    if (c)
      return {
        type: c.type,
        status: c.status as ConditionText["status"],
        reason: c.reason ?? "",
        message: c.message ?? "",
      };
  }
  return undefined;
}

/** Milliseconds until the deadline has to be looked at again; undefined when there is nothing to wait for. */
export function recheckDeadlineMs(
  d: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const progressing = conditionOf(status, "Progressing");
  if (!hasDeadline(d) || !progressing || isComplete(d, status)) return undefined;
  if (progressing.reason === "ProgressDeadlineExceeded" || progressing.reason === "NewReplicaSetAvailable")
    return undefined;
  return Math.max(0, deadlineMs(d, progressing) - nowMs) + 1000;
}

/** Pausing and resuming stop and restart the deadline's clock; undefined when nothing is to be said. */
export function pauseCondition(d: Deployment): ConditionText | undefined {
  const progressing = conditionOf(d.status, "Progressing");
  if (!hasDeadline(d) || progressing?.reason === "ProgressDeadlineExceeded") return undefined;
  const noted = progressing?.reason === "DeploymentPaused";
  if (Boolean(d.spec?.paused) === noted) return undefined;
  return d.spec?.paused
    ? { type: "Progressing", status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" }
    : {
        type: "Progressing",
        status: "Unknown",
        reason: "DeploymentResumed",
        message: "Deployment is resumed",
      };
}
