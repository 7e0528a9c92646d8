// Counts each ended pod of a Job exactly once, though pods may be deleted at any time: a finalizer holds a pod until the
// Job's status has noted its uid, and the uid moves into the counters once the finalizer is off (KEP-2307).
import type { Job, Pod } from "../../../core/api/types.ts";
import { indexKey, parseIndexes, printIndexes } from "./indexes.ts";
import { failsIndex, judgeFailure } from "./policies.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";

type Status = NonNullable<Job["status"]>;

export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;

export function podIndex(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexKey] ?? pod.metadata.labels?.[indexKey];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Ended for good. A pod that is being deleted counts as failed, because it may never get to say how it ended; with
 * podReplacementPolicy Failed its end is awaited, unless it never had a node.
 */
export function outcome(pod: Pod, job: Job): "succeeded" | "failed" | undefined {
  if (pod.status?.phase === "Succeeded") return "succeeded";
  if (pod.status?.phase === "Failed") return "failed";
  if (!pod.metadata.deletionTimestamp) return undefined;
  return job.spec?.podReplacementPolicy === "Failed" && pod.spec?.nodeName ? undefined : "failed";
}

export interface Tally {
  /** Counters with what is noted but not yet moved. */
  succeeded: number;
  failed: number;
  completedIndexes: Set<number>;
  /** With backoffLimitPerIndex: indexes that are given up. */
  failedIndexes: Set<number>;
  /** Why the Job's policy ends it. */
  failJob: string | undefined;
  /** The parts of the status to write. */
  status: Pick<
    Status,
    "succeeded" | "failed" | "uncountedTerminatedPods" | "completedIndexes" | "failedIndexes"
  >;
  /** Pods to take the finalizer off, once that status is written. */
  release: Pod[];
}

/** `pods` are the Job's own as the cache has them. */
export function tallyPods(job: Job, pods: readonly Pod[]): Tally {
  const isIndexed = job.spec?.completionMode === "Indexed";
  const old = job.status ?? {};
  const byUid = new Map(pods.map((p) => [p.metadata.uid!, p]));
  const noted = {
    succeeded: new Set(old.uncountedTerminatedPods?.succeeded ?? []),
    failed: new Set(old.uncountedTerminatedPods?.failed ?? []),
  };
  const counted = { succeeded: old.succeeded ?? 0, failed: old.failed ?? 0 };
  const indexes = parseIndexes(old.completedIndexes);
  for (const kind of ["succeeded", "failed"] as const)
    for (const uid of noted[kind]) {
      const pod = byUid.get(uid);
      if (pod && isTracked(pod)) continue;
      noted[kind].delete(uid);
      if (!(isIndexed && kind === "succeeded")) counted[kind]++;
    }
  const release: Pod[] = [];
  const failedIndexes = parseIndexes(old.failedIndexes);
  let failJob: string | undefined;
  for (const pod of pods) {
    const how = isTracked(pod) ? outcome(pod, job) : undefined;
    if (!how) continue;
    release.push(pod);
    const index = podIndex(pod);
    if (how === "failed") {
      const verdict = judgeFailure(job, pod);
      if (verdict.action === "FailJob") failJob ??= verdict.message;
      if (index !== undefined && failsIndex(job, pod, verdict)) failedIndexes.add(index);
      if (verdict.action === "Ignore") continue;
    }
    if (isIndexed && how === "succeeded") {
      // An index is complete however many pods completed it.
      if (index !== undefined && index < (job.spec?.completions ?? 0)) indexes.add(index);
    } else noted[how].add(pod.metadata.uid!);
  }
  if (isIndexed) counted.succeeded = indexes.size;
  const uncounted = {
    ...(noted.succeeded.size > 0 ? { succeeded: [...noted.succeeded].sort() } : {}),
    ...(noted.failed.size > 0 ? { failed: [...noted.failed].sort() } : {}),
  };
  return {
    succeeded: counted.succeeded + noted.succeeded.size,
    failed: counted.failed + noted.failed.size,
    completedIndexes: indexes,
    failedIndexes,
    failJob,
    status: {
      ...(counted.succeeded > 0 ? { succeeded: counted.succeeded } : {}),
      ...(counted.failed > 0 ? { failed: counted.failed } : {}),
      uncountedTerminatedPods: uncounted,
      ...(indexes.size > 0 ? { completedIndexes: printIndexes(indexes) } : {}),
      ...(job.spec?.backoffLimitPerIndex == null ? {} : { failedIndexes: printIndexes(failedIndexes) }),
    },
    release,
  };
}
