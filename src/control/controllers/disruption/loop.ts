// The disruption controller.
import {
  podDisruptionBudgets as budgetsRef,
  deployments,
  pods as podsRef,
  replicaSets,
  replicationControllers,
  statefulSets,
} from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject, Pod, PodDisruptionBudget } from "../../../core/api/types.ts";
import { controllerVoice, type StartController } from "../context.ts";
import { createKindLoop } from "../kind-loop.ts";
import { controllerOf } from "../ownership/mod.ts";
import { decideBudget } from "./decide.ts";

/** The source of its events. */
const component = "controllermanager";

interface Scaled extends KubeObject {
  spec?: { replicas?: number };
}

export const startDisruption: StartController = (context) => {
  const { informers, now } = context;
  const pods = informers.of(podsRef);
  const owners = new Map(
    [deployments, replicaSets, replicationControllers, statefulSets].map((ref) => [
      ref.kind,
      informers.of<Scaled>(ref),
    ]),
  );
  const sayOfPod = controllerVoice(context, component)(podsRef);
  const loop = createKindLoop(context, { ref: budgetsRef, component, reconcile });
  const { objects: budgets, queue, say } = loop;

  const wake = (namespace: string | undefined, concerns: (b: PodDisruptionBudget) => boolean): void => {
    for (const b of budgets.byIndex("namespace", namespace ?? "")) if (concerns(b)) loop.add(b);
  };
  const podChanged = (pod: Pod): void =>
    wake(pod.metadata.namespace, (b) => labelSelectorMatches(b.spec?.selector, pod.metadata.labels));
  pods.on({
    added: podChanged,
    updated(pod, old) {
      podChanged(pod);
      podChanged(old);
    },
    deleted: podChanged,
  });
  for (const informer of owners.values())
    informer.on({
      updated(o, old) {
        if (o.spec?.replicas !== old.spec?.replicas) wake(o.metadata.namespace, () => true);
      },
    });

  /** What the pod's topmost controller wants, by its uid; undefined for a pod that nobody with a scale controls. */
  function scaleOf(obj: KubeObject): { uid: string; replicas: number } | undefined {
    const ref = controllerOf(obj);
    const owner = ref && owners.get(ref.kind)?.get(`${obj.metadata.namespace}/${ref.name}`);
    if (!owner || owner.metadata.uid !== ref.uid) return undefined;
    return scaleOf(owner) ?? { uid: ref.uid, replicas: owner.spec?.replicas ?? 1 };
  }

  async function reconcile(key: string): Promise<void> {
    const budget = budgets.get(key);
    if (!budget) return;
    const selected = pods
      .byIndex("namespace", budget.metadata.namespace!)
      .filter((p) => labelSelectorMatches(budget.spec?.selector, p.metadata.labels));
    if (selected.length === 0) say(budget, "Normal", "NoPods", "No matching pods found");
    const scales = new Map<string, number>();
    let unmanaged = false;
    for (const pod of selected) {
      const scale = scaleOf(pod);
      if (scale) scales.set(scale.uid, scale.replicas);
      else unmanaged = true;
    }
    const { maxUnavailable, minAvailable } = budget.spec ?? {};
    if (unmanaged && (maxUnavailable != null || typeof minAvailable === "string"))
      say(
        budget,
        "Warning",
        "UnmanagedPods",
        `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(budget.spec?.selector ?? null)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
      );
    const controllersWant = [...scales.values()].reduce((a, b) => a + b, 0);
    const { status, recheckMs, undeleted } = decideBudget(budget, selected, {
      controllersWant,
      nowMs: now(),
      time: timestamp(now()),
    });
    for (const pod of undeleted)
      sayOfPod(pod, "Warning", "NotDeleted", `Pod was expected by PDB ${key} to be deleted but it wasn't`);
    if (recheckMs !== undefined) queue.add(key, recheckMs + 1);
    await loop.writeStatus(budget, status);
  }

  return loop.run;
};
