// What a request may change of a pod (kubernetes pkg/registry/core/pod/strategy.go).
import type { Pod, PodSpec, PodStatus } from "../../types.ts";
import { keep, keepGeneration } from "../define.ts";
import { semanticEqual } from "../meta/mod.ts";
import { syncServiceAccount } from "./defaults.ts";
import { mergeLabelKeys } from "./label-keys.ts";
import { qosClass } from "./qos-class.ts";

export function preparePodForCreate(pod: Pod): void {
  pod.metadata.generation = 1;
  const status: PodStatus = { phase: "Pending", qosClass: pod.spec ? qosClass(pod.spec) : "BestEffort" };
  if (pod.spec) syncServiceAccount(pod.spec);
  mergeLabelKeys(pod);
  if ((pod.spec?.schedulingGates ?? []).length > 0)
    status.conditions = [
      {
        type: "PodScheduled",
        status: "False",
        reason: "SchedulingGated",
        message: "Scheduling is blocked due to non-empty scheduling gates",
      },
    ];
  pod.status = status;
}

function countChange(pod: Pod, old: Pod): void {
  pod.metadata.generation = (old.metadata.generation ?? 0) + (semanticEqual(pod.spec, old.spec) ? 0 : 1);
}

export function preparePodForUpdate(pod: Pod, old: Pod): void {
  keep(pod, old, "status");
  countChange(pod, old);
}

/** The generation that a status or condition was seen at stays when a writer leaves it out. */
function keepObservedGenerations(status: PodStatus, old: PodStatus | undefined): void {
  if (!status.observedGeneration && old?.observedGeneration)
    status.observedGeneration = old.observedGeneration;
  const before = [...(old?.conditions ?? [])];
  for (const c of status.conditions ?? []) {
    const at = before.findIndex((b) => b.type === c.type);
    const [was] = at < 0 ? [] : before.splice(at, 1);
    if (!c.observedGeneration && was?.observedGeneration) c.observedGeneration = was.observedGeneration;
  }
}

/** `podIP` and `podIPs[0]` are one value; a lone or different `podIP` wins. `hostIPs` follows `hostIP`. */
function syncAddresses(status: PodStatus): void {
  if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }];
  if (status.podIPs?.[0]) status.podIP = status.podIPs[0].ip;
}

export function preparePodForStatusUpdate(pod: Pod, old: Pod): void {
  keep(pod, old, "spec");
  keepGeneration(pod, old);
  pod.metadata.deletionTimestamp = old.metadata.deletionTimestamp!;
  if (!old.metadata.deletionTimestamp) delete pod.metadata.deletionTimestamp;
  // Owners are not changed through status.
  if (old.metadata.ownerReferences)
    pod.metadata.ownerReferences = structuredClone(old.metadata.ownerReferences);
  else delete pod.metadata.ownerReferences;
  if (pod.status) {
    if (!pod.status.qosClass && old.status?.qosClass) pod.status.qosClass = old.status.qosClass;
    keepObservedGenerations(pod.status, old.status);
    syncAddresses(pod.status);
  }
}

/** metadata as it was, but for what says which version the request is about and who manages which fields. */
function keepMetadata(pod: Pod, old: Pod): void {
  const { resourceVersion, managedFields } = pod.metadata;
  pod.metadata = structuredClone(old.metadata);
  if (resourceVersion !== undefined) pod.metadata.resourceVersion = resourceVersion;
  if (managedFields !== undefined) pod.metadata.managedFields = managedFields;
}

/** pods/ephemeralcontainers: takes nothing from the request but the ephemeral containers. */
export function prepareEphemeralContainersUpdate(pod: Pod, old: Pod): void {
  const wanted = pod.spec?.ephemeralContainers;
  keepMetadata(pod, old);
  keep(pod, old, "spec");
  keep(pod, old, "status");
  if (pod.spec) {
    if (wanted && wanted.length > 0) pod.spec.ephemeralContainers = wanted;
    else delete pod.spec.ephemeralContainers;
  }
  countChange(pod, old);
}

const lists = ["containers", "initContainers"] as const;

/** The same containers in the same order. */
function sameContainers(a: PodSpec | undefined, b: PodSpec | undefined): boolean {
  const names = (s: PodSpec | undefined) => lists.map((l) => (s?.[l] ?? []).map((c) => c.name));
  return JSON.stringify(names(a)) === JSON.stringify(names(b));
}

/** pods/resize: takes nothing from the request but the containers' resources and resize policies. */
export function prepareResize(pod: Pod, old: Pod): void {
  const wanted = pod.spec;
  keepMetadata(pod, old);
  keep(pod, old, "status");
  // Other containers are for validation to refuse.
  if (!sameContainers(wanted, old.spec)) return;
  keep(pod, old, "spec");
  for (const list of lists)
    for (const [i, c] of (pod.spec?.[list] ?? []).entries()) {
      const from = wanted![list]![i]!;
      c.resources = from.resources ?? {};
      if (from.resizePolicy) c.resizePolicy = from.resizePolicy;
      else delete c.resizePolicy;
    }
  countChange(pod, old);
}
