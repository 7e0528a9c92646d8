// Which nodes lack a daemon's pod, which pods have to go, and the status (pkg/controller/daemon).
import type { DaemonSet, Node, Pod, Toleration } from "../../../core/api/types.ts";
import { nodeIsSelected, untoleratedTaint } from "../../../core/scheduling/mod.ts";
import { scaledValue } from "../deployment/mod.ts";
import { isPodReady, isPodTerminal, podAvailableInMs } from "../pods/mod.ts";
import { revisionHashLabel } from "../revisions/mod.ts";

const always = (key: string, effect: string): Toleration => ({
  key: `node.kubernetes.io/${key}`,
  operator: "Exists",
  effect,
});

/** Daemons run where other pods would not. */
export function daemonTolerations(ds: DaemonSet): Toleration[] {
  const spec = ds.spec!.template.spec;
  const own = spec?.tolerations ?? [];
  const added = [
    always("not-ready", "NoExecute"),
    always("unreachable", "NoExecute"),
    always("disk-pressure", "NoSchedule"),
    always("memory-pressure", "NoSchedule"),
    always("pid-pressure", "NoSchedule"),
    always("unschedulable", "NoSchedule"),
    ...(spec?.hostNetwork ? [always("network-unavailable", "NoSchedule")] : []),
  ];
  const has = (t: Toleration): boolean =>
    own.some((o) => o.key === t.key && o.effect === t.effect && o.operator === t.operator);
  return [...own, ...added.filter((t) => !has(t))];
}

/** The node that a daemon's pod is for: where it is, or where its affinity wants it. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const term of terms)
    for (const f of term.matchFields ?? [])
      if (f.key === "metadata.name" && f.operator === "In") return f.values?.[0];
  return undefined;
}

/** The pod for one node: its affinity names that node. */
export function withNodeAffinity(pod: Pod, node: string): Pod {
  const spec = pod.spec!;
  const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const nodeSelectorTerms = required
    ? required.nodeSelectorTerms.map((t) => ({ ...t, matchFields }))
    : [{ matchFields }];
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  };
  return { ...pod, spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity } } };
}

/** `run`: a pod should be there; `stay`: one that is there may remain. */
function daemonFits(ds: DaemonSet, node: Node): { run: boolean; stay: boolean } {
  const template = ds.spec!.template.spec ?? { containers: [] };
  const pod: Pod = { metadata: {}, spec: { ...template, tolerations: daemonTolerations(ds) } };
  if (template.nodeName && template.nodeName !== node.metadata.name) return { run: false, stay: false };
  if (!nodeIsSelected(pod, node)) return { run: false, stay: false };
  const cordon = node.spec?.unschedulable ? [always("unschedulable", "NoSchedule") as never] : [];
  const taints = [...(node.spec?.taints ?? []), ...cordon];
  const stay = !untoleratedTaint(pod, node.spec?.taints, ["NoExecute"]);
  return { run: stay && !untoleratedTaint(pod, taints, ["NoSchedule", "NoExecute"]), stay };
}

export interface DaemonInput {
  ds: DaemonSet;
  nodes: readonly Node[];
  /** The daemon's own pods. */
  pods: readonly Pod[];
  /** Label value of pods of the newest template. */
  hash: string;
  nowMs: number;
  leaving(pod: Pod): boolean;
}

export interface DaemonStep {
  create: string[];
  remove: Pod[];
  /** Pods that ended and are removed for it. */
  ended: Pod[];
  status: NonNullable<DaemonSet["status"]>;
  recheckMs: number | undefined;
}

const byAge = (a: Pod, b: Pod): number =>
  String(a.metadata.creationTimestamp) < String(b.metadata.creationTimestamp) ? -1 : 1;

export function decideDaemons({ ds, nodes, pods, hash, nowMs, leaving }: DaemonInput): DaemonStep {
  const onNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNode(pod) ?? "";
    onNode.set(node, [...(onNode.get(node) ?? []), pod]);
  }
  const minReady = ds.spec!.minReadySeconds ?? 0;
  const step: DaemonStep = {
    create: [],
    remove: [],
    ended: [],
    status: {} as DaemonStep["status"],
    recheckMs: undefined,
  };
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  const isGoing = (p: Pod): boolean => p.metadata.deletionTimestamp !== undefined || leaving(p);
  const isUpdated = (p: Pod): boolean => p.metadata.labels?.[revisionHashLabel] === hash;
  const isAvailable = (p: Pod): boolean => {
    const wait = podAvailableInMs(p, minReady, nowMs);
    if (wait !== undefined && wait > 0) step.recheckMs = Math.min(step.recheckMs ?? wait, wait);
    return wait === 0 && !isGoing(p);
  };
  /** One node each: the pods that stay there. */
  const settled: Pod[][] = [];
  for (const node of nodes) {
    const here = (onNode.get(node.metadata.name!) ?? []).sort(byAge);
    onNode.delete(node.metadata.name!);
    const { run, stay } = daemonFits(ds, node);
    const alive = here.filter((p) => !isGoing(p));
    if (run) {
      count.desired++;
      if (here.length > 0) count.current++;
      const first = here.find((p) => !isGoing(p)) ?? here[0];
      const best = alive.find((p) => isPodReady(p)) ?? first;
      if (best && isPodReady(best)) count.ready++;
      if (best && isAvailable(best)) count.available++;
      if (best && isUpdated(best)) count.updated++;
    } else if (here.length > 0) count.misscheduled++;
    if (!stay) {
      step.remove.push(...alive);
      continue;
    }
    const ended = alive.filter(isPodTerminal);
    step.ended.push(...ended);
    const running = alive.filter((p) => !isPodTerminal(p));
    if (run && here.length === 0) step.create.push(node.metadata.name!);
    if (run) settled.push(running);
    else step.remove.push(...running.slice(1));
  }
  // Pods for nodes that are gone.
  for (const rest of onNode.values()) step.remove.push(...rest.filter((p) => !isGoing(p)));
  updatePods(ds, settled, { step, desired: count.desired, isUpdated, isAvailable });
  step.status = {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    ...(ds.metadata.generation ? { observedGeneration: ds.metadata.generation } : {}),
    ...(count.updated > 0 ? { updatedNumberScheduled: count.updated } : {}),
    ...(count.available > 0 ? { numberAvailable: count.available } : {}),
    ...(count.desired > count.available ? { numberUnavailable: count.desired - count.available } : {}),
    ...(ds.status?.collisionCount === undefined ? {} : { collisionCount: ds.status.collisionCount }),
    ...(ds.status?.conditions ? { conditions: ds.status.conditions } : {}),
  };
  return step;
}

interface Update {
  step: DaemonStep;
  desired: number;
  isUpdated(pod: Pod): boolean;
  isAvailable(pod: Pod): boolean;
}

/** Doubles go; old pods go as far as the update's bounds allow. */
function updatePods(
  ds: DaemonSet,
  settled: Pod[][],
  { step, desired, isUpdated, isAvailable }: Update,
): void {
  const { type, rollingUpdate } = ds.spec!.updateStrategy ?? {};
  const rolling = type !== "OnDelete";
  const surge = rolling ? (scaledValue(rollingUpdate?.maxSurge ?? 0, desired, true) ?? 0) : 0;
  let unavailable = rolling ? (scaledValue(rollingUpdate?.maxUnavailable ?? 1, desired, true) ?? 1) : 0;
  if (rolling && surge === 0 && unavailable === 0) unavailable = 1;
  const willLack = step.create.length + settled.filter((pods) => !pods.some(isAvailable)).length;
  let mayGo = unavailable - willLack;
  let maySurge =
    surge - settled.filter((pods) => pods.some(isUpdated) && pods.some((p) => !isUpdated(p))).length;
  for (const pods of settled) {
    const old = pods.filter((p) => !isUpdated(p));
    const fresh = pods.filter(isUpdated);
    step.remove.push(...old.slice(1), ...fresh.slice(1));
    const [out] = old;
    if (!rolling || !out) {
      if (out && fresh[0]) step.remove.push(fresh[0]);
      continue;
    }
    if (surge > 0) {
      const node = targetNode(out)!;
      if (fresh[0]) {
        if (isAvailable(fresh[0])) step.remove.push(out);
      } else if (!isAvailable(out) || maySurge-- > 0) step.create.push(node);
    } else if (fresh[0]) step.remove.push(out);
    else if (!isAvailable(out)) step.remove.push(out);
    else if (mayGo-- > 0) step.remove.push(out);
  }
}
