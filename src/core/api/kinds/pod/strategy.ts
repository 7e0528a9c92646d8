// What a request may change of a pod (kubernetes pkg/registry/core/pod/strategy.go).
import type { Pod, PodStatus } from "../../types.ts";
import { keep, keepGeneration } from "../define.ts";
import { semanticEqual } from "../meta/mod.ts";
import { syncServiceAccount } from "./defaults.ts";
import { qosClass } from "./qos-class.ts";

export function preparePodForCreate(pod: Pod): void {
  pod.metadata.generation = 1;
  const status: PodStatus = { phase: "Pending", qosClass: pod.spec ? qosClass(pod.spec) : "BestEffort" };
  if (pod.spec) syncServiceAccount(pod.spec);
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
    syncAddresses(pod.status);
  }
}

/** pods/ephemeralcontainers: takes nothing from the request but the ephemeral containers. */
export function prepareEphemeralContainersUpdate(pod: Pod, old: Pod): void {
  const wanted = pod.spec?.ephemeralContainers;
  pod.metadata = { ...structuredClone(old.metadata), resourceVersion: pod.metadata.resourceVersion! };
  keep(pod, old, "spec");
  keep(pod, old, "status");
  if (pod.spec) {
    if (wanted && wanted.length > 0) pod.spec.ephemeralContainers = wanted;
    else delete pod.spec.ephemeralContainers;
  }
  countChange(pod, old);
}

/** pods/resize: takes nothing from the request but the containers' resources and resize policies. */
export function prepareResize(pod: Pod, old: Pod): void {
  const wanted = new Map(
    [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map((c) => [c.name, c]),
  );
  pod.metadata = { ...structuredClone(old.metadata), resourceVersion: pod.metadata.resourceVersion! };
  keep(pod, old, "spec");
  keep(pod, old, "status");
  for (const c of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]) {
    const from = wanted.get(c.name);
    if (!from) continue;
    c.resources = from.resources ?? {};
    if (from.resizePolicy) c.resizePolicy = from.resizePolicy;
  }
  countChange(pod, old);
}
