// How many pods of a PodDisruptionBudget may be evicted (pkg/controller/disruption).
import type { Pod, PodDisruptionBudget } from "../../../core/api/types.ts";
import { scaledValue } from "../deployment/mod.ts";
import { isPodReady } from "../pods/mod.ts";

type Status = NonNullable<PodDisruptionBudget["status"]>;

/** An eviction that has not become a deletion by then is forgotten. */
const deletionMs = 120_000;

/** `controllersWant`: replicas that the controllers of these pods want together. */
export function decideBudget(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { controllersWant, nowMs, time }: { controllersWant: number; nowMs: number; time: string },
): { status: Status; recheckMs: number | undefined; undeleted: Pod[] } {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  let expected = pods.length;
  let desired = 0;
  if (maxUnavailable != null) {
    expected = controllersWant;
    desired = Math.max(0, expected - (scaledValue(maxUnavailable, expected, true) ?? 0));
  } else if (typeof minAvailable === "string") {
    expected = controllersWant;
    desired = scaledValue(minAvailable, expected, true) ?? 0;
  } else if (minAvailable != null) desired = minAvailable;
  const disrupted: Record<string, string> = Object.create(null);
  const undeleted: Pod[] = [];
  let recheckMs: number | undefined;
  const noted = new Map(Object.entries(budget.status?.disruptedPods ?? {}));
  for (const pod of pods) {
    const at = noted.get(pod.metadata.name!);
    if (at === undefined || pod.metadata.deletionTimestamp) continue;
    const left = Date.parse(String(at)) + deletionMs - nowMs;
    if (left <= 0) undeleted.push(pod);
    else {
      disrupted[pod.metadata.name!] = String(at);
      recheckMs = Math.min(recheckMs ?? left, left);
    }
  }
  const healthy = pods.filter(
    (p) => !p.metadata.deletionTimestamp && !(p.metadata.name! in disrupted) && isPodReady(p),
  ).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const wanted = {
    type: "DisruptionAllowed",
    status: allowed > 0 ? "True" : "False",
    reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
  };
  const conditions = [...(budget.status?.conditions ?? [])];
  const i = conditions.findIndex((c) => c.type === wanted.type);
  const old = conditions[i];
  const observedGeneration = budget.metadata.generation ?? 1;
  const condition = {
    ...wanted,
    observedGeneration,
    lastTransitionTime: old?.status === wanted.status ? old.lastTransitionTime : time,
  };
  if (i >= 0) conditions[i] = condition;
  else conditions.push(condition);
  return {
    status: {
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: expected,
      observedGeneration,
      ...(Object.keys(disrupted).length > 0 ? { disruptedPods: { ...disrupted } } : {}),
      conditions,
    },
    recheckMs,
    undeleted,
  };
}
