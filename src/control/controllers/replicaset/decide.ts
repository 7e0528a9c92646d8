// How many pods to make and which to delete, and what the status says then (pkg/controller/replicaset). Serves
// ReplicaSets and ReplicationControllers, which differ only in how they select.
import type { OwnerReference, Pod, PodTemplateSpec } from "../../../core/api/types.ts";
import { isPodActive, isPodReady, isPodTerminating, podAvailableInMs, podsToDelete } from "../pods/mod.ts";

/** What a ReplicaSet and a ReplicationController have in common. */
export interface Replicator {
  metadata: {
    name?: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    deletionTimestamp?: string;
    ownerReferences?: OwnerReference[];
  };
  spec?: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status?: ReplicatorStatus;
}

export interface ReplicatorCondition {
  type: string;
  status: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

export interface ReplicatorStatus {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  terminatingReplicas?: number;
  observedGeneration?: number;
  conditions?: ReplicatorCondition[];
}

/** At most this many pods are made or deleted in one go. */
export const burst = 500;

export interface ReplicaChange {
  create: number;
  remove: Pod[];
}

/** `pods` are the owner's own. `leaving` tells pods whose deletion was asked for and is not in the cache yet. */
export function decideReplicas(
  owner: Replicator,
  pods: readonly Pod[],
  { related, nowMs, leaving }: { related: readonly Pod[]; nowMs: number; leaving: (pod: Pod) => boolean },
): ReplicaChange {
  if (owner.metadata.deletionTimestamp) return { create: 0, remove: [] };
  const active = pods.filter((p) => isPodActive(p) && !leaving(p));
  const surplus = active.length - (owner.spec?.replicas ?? 1);
  if (surplus < 0) return { create: Math.min(-surplus, burst), remove: [] };
  if (surplus === 0) return { create: 0, remove: [] };
  const others = related.filter((p) => !leaving(p));
  return { create: 0, remove: podsToDelete(active, Math.min(surplus, burst), { related: others, nowMs }) };
}

/** Why the wanted number of pods could not be reached. */
export interface ReplicaFailure {
  reason: "FailedCreate" | "FailedDelete";
  message: string;
}

/** The status that the pods add up to; `recheckMs` says when a ready pod will count as available. */
export function replicaStatus(
  owner: Replicator,
  pods: readonly Pod[],
  {
    nowMs,
    time,
    failure,
    hasTerminating,
  }: { nowMs: number; time: string; failure: ReplicaFailure | undefined; hasTerminating: boolean },
): { status: ReplicatorStatus; recheckMs: number | undefined } {
  const templateLabels = Object.entries(owner.spec?.template?.metadata?.labels ?? {});
  const minReadySeconds = owner.spec?.minReadySeconds ?? 0;
  const count = { replicas: 0, fullyLabeled: 0, ready: 0, available: 0, terminating: 0 };
  let recheckMs: number | undefined;
  for (const pod of pods) {
    if (isPodTerminating(pod)) count.terminating++;
    if (!isPodActive(pod)) continue;
    count.replicas++;
    const labels = pod.metadata.labels ?? {};
    if (templateLabels.every(([k, v]) => Object.hasOwn(labels, k) && labels[k] === v)) count.fullyLabeled++;
    if (!isPodReady(pod)) continue;
    count.ready++;
    const wait = podAvailableInMs(pod, minReadySeconds, nowMs);
    if (wait === 0) count.available++;
    else if (wait !== undefined && (recheckMs === undefined || wait < recheckMs)) recheckMs = wait;
  }
  const old = owner.status;
  const status: ReplicatorStatus = {
    replicas: count.replicas,
    ...(count.fullyLabeled > 0 ? { fullyLabeledReplicas: count.fullyLabeled } : {}),
    ...(count.ready > 0 ? { readyReplicas: count.ready } : {}),
    ...(count.available > 0 ? { availableReplicas: count.available } : {}),
    ...(hasTerminating ? { terminatingReplicas: count.terminating } : {}),
    ...(owner.metadata.generation ? { observedGeneration: owner.metadata.generation } : {}),
  };
  const conditions = failureConditions(old?.conditions ?? [], failure, time);
  if (conditions.length > 0) status.conditions = conditions;
  return { status, recheckMs };
}

/** A failure is noted once and taken back when all is well again. */
function failureConditions(
  old: readonly ReplicatorCondition[],
  failure: ReplicaFailure | undefined,
  time: string,
): ReplicatorCondition[] {
  const known = old.find((c) => c.type === "ReplicaFailure");
  if (!failure) return old.filter((c) => c !== known);
  if (known) return [...old];
  return [...old, { type: "ReplicaFailure", status: "True", lastTransitionTime: time, ...failure }];
}
