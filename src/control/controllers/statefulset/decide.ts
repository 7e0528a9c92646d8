// The next step of a StatefulSet and its status (pkg/controller/statefulset stateful_set_control.go).
import type { Pod, StatefulSet } from "../../../core/api/types.ts";
import { isPodReady, isPodTerminal, podAvailableInMs } from "../pods/mod.ts";
import { revisionHashLabel } from "../revisions/mod.ts";
import { firstOrdinal, ordinalOf } from "./stateful-pod.ts";

type Status = NonNullable<StatefulSet["status"]>;

export interface StatefulInput {
  set: StatefulSet;
  pods: readonly Pod[];
  /** Names of the revisions that pods had before and shall have. */
  current: string;
  update: string;
  nowMs: number;
  leaving(pod: Pod): boolean;
}

export interface StatefulStep {
  /** Ordinals to make pods for, each of a revision. */
  create: { ordinal: number; revision: string }[];
  remove: Pod[];
  status: Status;
  recheckMs: number | undefined;
}

export function decideStateful(input: StatefulInput): StatefulStep {
  const { set, pods, current, update, nowMs, leaving } = input;
  const start = firstOrdinal(set);
  const end = start + (set.spec?.replicas ?? 1);
  const minReady = set.spec?.minReadySeconds ?? 0;
  const step: StatefulStep = { create: [], remove: [], status: { replicas: 0 }, recheckMs: undefined };
  const byOrdinal = new Map<number, Pod>();
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
  }
  const revisionOf = (p: Pod): string | undefined => p.metadata.labels?.[revisionHashLabel];
  const isGoing = (p: Pod): boolean => p.metadata.deletionTimestamp !== undefined || leaving(p);
  const isRunningReady = (p: Pod): boolean => p.status?.phase === "Running" && isPodReady(p);
  const isAvailable = (p: Pod): boolean => {
    const wait = podAvailableInMs(p, minReady, nowMs);
    if (wait !== undefined && wait > 0) step.recheckMs = Math.min(step.recheckMs ?? wait, wait);
    return isRunningReady(p) && wait === 0;
  };
  const isHealthy = (p: Pod | undefined): boolean => p !== undefined && isAvailable(p) && !isGoing(p);
  const count = { replicas: 0, ready: 0, available: 0, current: 0, updated: 0 };
  for (const pod of byOrdinal.values()) {
    if (!isPodTerminal(pod)) count.replicas++;
    if (isRunningReady(pod)) count.ready++;
    if (isAvailable(pod)) count.available++;
    if (isGoing(pod) || isPodTerminal(pod)) continue;
    if (revisionOf(pod) === current) count.current++;
    if (revisionOf(pod) === update) count.updated++;
  }
  const done =
    set.spec?.updateStrategy?.type !== "OnDelete" &&
    count.updated === count.replicas &&
    count.ready === count.replicas &&
    count.replicas === end - start;
  step.status = {
    replicas: count.replicas,
    ...(count.ready > 0 ? { readyReplicas: count.ready } : {}),
    availableReplicas: count.available,
    ...(done
      ? { currentReplicas: count.updated, currentRevision: update }
      : { ...(count.current > 0 ? { currentReplicas: count.current } : {}), currentRevision: current }),
    ...(count.updated > 0 ? { updatedReplicas: count.updated } : {}),
    updateRevision: update,
    collisionCount: set.status?.collisionCount ?? 0,
    ...(set.metadata.generation ? { observedGeneration: set.metadata.generation } : {}),
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  };
  if (set.metadata.deletionTimestamp) return step;
  takeStep({ ...input, start, end, byOrdinal, step, isGoing, isHealthy, revisionOf });
  return step;
}

interface Work extends StatefulInput {
  start: number;
  end: number;
  byOrdinal: Map<number, Pod>;
  step: StatefulStep;
  isGoing(pod: Pod): boolean;
  isHealthy(pod: Pod | undefined): boolean;
  revisionOf(pod: Pod): string | undefined;
}

/** Pods below the partition keep the revision from before. */
function revisionFor({ set, start, current, update }: Work, ordinal: number): string {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === "OnDelete") return update;
  const kept = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status?.currentReplicas ?? 0);
  return ordinal < start + kept ? current : update;
}

function takeStep(work: Work): void {
  const { set, start, end, byOrdinal, step, isGoing, isHealthy, revisionOf, update } = work;
  const ordered = set.spec?.podManagementPolicy !== "Parallel";
  let settled = true;
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) step.create.push({ ordinal, revision: revisionFor(work, ordinal) });
    else if (isPodTerminal(pod) && !isGoing(pod)) step.remove.push(pod);
    else if (isHealthy(pod)) continue;
    settled = false;
    if (ordered) return;
  }
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal < start || ordinal >= end)
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  if (ordered) {
    const [next] = condemned;
    // One at a time, each once those before it are available again, and the update waits for all of them.
    const waits = next && condemned.slice(1).some((p) => !isHealthy(p)) && !isHealthy(next);
    if (next && !isGoing(next) && !waits) step.remove.push(next);
    if (next) return;
  } else step.remove.push(...condemned.filter((p) => !isGoing(p)));
  if (set.spec?.updateStrategy?.type === "OnDelete" || (ordered && !settled)) return;
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (let ordinal = end - 1; ordinal >= Math.max(start, start + partition); ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) return;
    if (revisionOf(pod) !== update && !isGoing(pod)) {
      step.remove.push(pod);
      return;
    }
    if (!isHealthy(pod)) return;
  }
}
