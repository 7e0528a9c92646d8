// Which pods go first when there are too many (pkg/controller ActivePodsWithRanks): those that serve least and are
// missed least.
import { sidecarsOf } from "../../../core/api/kinds/pod/sidecar.ts";
import type { Pod } from "../../../core/api/types.ts";
import { isPodActive, isPodReady, podCondition } from "./pod-state.ts";

const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation] ?? "";
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

/** Ages compare by powers of two, so that of pods about equally old a random one goes. */
function ageClass(time: string, nowMs: number): number {
  const nanos = (nowMs - Date.parse(time)) * 1e6;
  return nanos > 0 ? Math.floor(Math.log2(nanos)) : -1;
}

/** The younger first; undefined where both are of one age class and the same moment. */
function compareAges(a: string | undefined, b: string | undefined, nowMs: number, pods: [Pod, Pod]): number {
  if (a === b) return 0;
  if (!a || !b) return a ? 1 : -1;
  const classes = ageClass(a, nowMs) - ageClass(b, nowMs);
  return classes || ((pods[0].metadata.uid ?? "") < (pods[1].metadata.uid ?? "") ? -1 : 1);
}

/** Most restarts of any container, and of any restartable init container. */
function maxRestarts(pod: Pod): [number, number] {
  const sidecars = new Set(sidecarsOf(pod.spec).map((c) => c.name));
  let regular = 0;
  let sidecar = 0;
  for (const c of pod.status?.containerStatuses ?? []) regular = Math.max(regular, c.restartCount);
  for (const c of pod.status?.initContainerStatuses ?? [])
    if (sidecars.has(c.name)) sidecar = Math.max(sidecar, c.restartCount);
  return [regular, sidecar];
}

/**
 * `count` of the pods, those to delete first. `related` are all pods of the same owner's siblings: where many of them
 * share a node, one of that node goes first.
 */
export function podsToDelete(
  pods: readonly Pod[],
  count: number,
  { related, nowMs }: { related: readonly Pod[]; nowMs: number },
): Pod[] {
  if (count >= pods.length) return [...pods];
  const onNode = new Map<string, number>();
  for (const pod of related) {
    if (!isPodActive(pod)) continue;
    const node = pod.spec?.nodeName ?? "";
    onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const crowd = (pod: Pod): number => onNode.get(pod.spec?.nodeName ?? "") ?? 0;
  const phase = (pod: Pod): number => phaseOrder[pod.status?.phase ?? ""] ?? 0;
  const order = (a: Pod, b: Pod): number => {
    const assigned = Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName));
    if (assigned) return assigned;
    if (phase(a) !== phase(b)) return phase(a) - phase(b);
    const ready = Number(isPodReady(a)) - Number(isPodReady(b));
    if (ready) return ready;
    const cost = deletionCost(a) - deletionCost(b);
    if (cost) return cost;
    if (crowd(a) !== crowd(b)) return crowd(b) - crowd(a);
    if (isPodReady(a)) {
      const since = (p: Pod): string | undefined => podCondition(p, "Ready")?.lastTransitionTime;
      const age = compareAges(since(a), since(b), nowMs, [a, b]);
      if (age) return age;
    }
    const [regularA, sidecarA] = maxRestarts(a);
    const [regularB, sidecarB] = maxRestarts(b);
    if (regularA !== regularB) return regularB - regularA;
    if (sidecarA !== sidecarB) return sidecarB - sidecarA;
    return compareAges(a.metadata.creationTimestamp, b.metadata.creationTimestamp, nowMs, [a, b]);
  };
  return [...pods].sort(order).slice(0, count);
}
