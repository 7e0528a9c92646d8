// What a silent node's conditions become, and which taints conditions ask for (pkg/controller/nodelifecycle).
import type { Node, NodeCondition, Taint } from "../../../core/api/types.ts";

/** How long a node may be silent: from its last sign, and from its creation when it never gave one. */
export const graceMs = 40_000;
export const startupGraceMs = 60_000;

const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

export function readyStatus(node: Node): string | undefined {
  return node.status?.conditions?.find((c) => c.type === "Ready")?.status;
}

/** The conditions of a node that has been silent for too long; undefined when they stand already. */
export function silentConditions(node: Node, time: string): NodeCondition[] | undefined {
  const out = [...(node.status?.conditions ?? [])];
  let changed = false;
  for (const type of watched) {
    const i = out.findIndex((c) => c.type === type);
    const old = out[i];
    if (!old) {
      out.push({
        type,
        status: "Unknown",
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status.",
        ...(node.metadata.creationTimestamp ? { lastHeartbeatTime: node.metadata.creationTimestamp } : {}),
        lastTransitionTime: time,
      });
    } else if (old.status !== "Unknown")
      out[i] = {
        ...old,
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
        lastTransitionTime: time,
      };
    else continue;
    changed = true;
  }
  return changed ? out : undefined;
}

const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";
const pressureTaints: Readonly<Record<string, string>> = {
  MemoryPressure: "node.kubernetes.io/memory-pressure",
  DiskPressure: "node.kubernetes.io/disk-pressure",
  PIDPressure: "node.kubernetes.io/pid-pressure",
  NetworkUnavailable: "node.kubernetes.io/network-unavailable",
};
const cordoned = "node.kubernetes.io/unschedulable";
const ours = {
  NoSchedule: [notReady, unreachable, cordoned, ...Object.values(pressureTaints)],
  NoExecute: [notReady, unreachable],
};

/**
 * The taints that the node should have; undefined when it has them. `evict`: pods that do not tolerate a node's failure may
 * be driven away; false where every node has failed, because then it is rather we who are cut off.
 */
export function wantedTaints(
  node: Node,
  { evict, time }: { evict: boolean; time: string },
): Taint[] | undefined {
  const wanted: { key: string; effect: "NoSchedule" | "NoExecute" }[] = [];
  const ready = readyStatus(node);
  const failure = ready === "False" ? notReady : ready === "Unknown" ? unreachable : undefined;
  if (failure) wanted.push({ key: failure, effect: "NoSchedule" });
  for (const c of node.status?.conditions ?? [])
    if (Object.hasOwn(pressureTaints, c.type) && c.status === "True")
      wanted.push({ key: pressureTaints[c.type]!, effect: "NoSchedule" });
  if (node.spec?.unschedulable) wanted.push({ key: cordoned, effect: "NoSchedule" });
  if (failure && evict) wanted.push({ key: failure, effect: "NoExecute" });
  const isWanted = (t: Taint): boolean => wanted.some((w) => w.key === t.key && w.effect === t.effect);
  const isOurs = (t: Taint): boolean =>
    (t.effect === "NoSchedule" || t.effect === "NoExecute") && ours[t.effect].includes(t.key);
  const old = node.spec?.taints ?? [];
  // A node that has not said anything yet keeps the taint that it was registered with.
  const keeps = (t: Taint): boolean =>
    !isOurs(t) || isWanted(t) || (ready === undefined && t.key === notReady);
  const kept = old.filter(keeps);
  const added = wanted.filter((w) => !old.some((t) => t.key === w.key && t.effect === w.effect));
  if (kept.length === old.length && added.length === 0) return undefined;
  return [...kept, ...added.map((t) => ({ ...t, timeAdded: time }))];
}
