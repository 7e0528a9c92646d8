// Spreads pods evenly over zones, nodes or any other label (scheduler plugin PodTopologySpread).
import { labelSelectorMatches } from "../../core/api/selector/mod.ts";
import type { Pod } from "../../core/api/types.ts";
import { nodeIsSelected, untoleratedTaint } from "../../core/scheduling/mod.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { NodeInfo } from "./node-info.ts";

type Constraint = NonNullable<NonNullable<Pod["spec"]>["topologySpreadConstraints"]>[number];

interface Spread {
  constraint: Constraint;
  /** Matching pods by value of the topology label, over the nodes that the pod may use. */
  counts: Map<string, number>;
  fewest: number;
  self: number;
}

function means(constraint: Constraint, owner: Pod, pod: Pod): boolean {
  if (pod.metadata.namespace !== owner.metadata.namespace) return false;
  for (const key of constraint.matchLabelKeys ?? []) {
    const wanted = owner.metadata.labels?.[key];
    if (wanted !== undefined && pod.metadata.labels?.[key] !== wanted) return false;
  }
  return labelSelectorMatches(constraint.labelSelector, pod.metadata.labels);
}

function counts(constraint: Constraint, pod: Pod, info: NodeInfo): boolean {
  if ((constraint.nodeAffinityPolicy ?? "Honor") === "Honor" && !nodeIsSelected(pod, info.node!))
    return false;
  return (
    constraint.nodeTaintsPolicy !== "Honor" ||
    !untoleratedTaint(pod, info.node!.spec?.taints, ["NoSchedule", "NoExecute"])
  );
}

export function gatherSpread(
  pod: Pod,
  view: ClusterView,
  whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway",
): Spread[] {
  const constraints = (pod.spec?.topologySpreadConstraints ?? []).filter(
    (c) => c.whenUnsatisfiable === whenUnsatisfiable,
  );
  const nodes = constraints.length === 0 ? [] : view.nodes();
  const complete = nodes.filter((n) => constraints.every((c) => Object.hasOwn(n.labels, c.topologyKey)));
  return constraints.map((constraint) => {
    const found = new Map<string, number>();
    for (const info of complete) {
      if (!counts(constraint, pod, info)) continue;
      const value = info.labels[constraint.topologyKey]!;
      let n = found.get(value) ?? 0;
      for (const { pod: other } of info.pods.values())
        if (!other.metadata.deletionTimestamp && means(constraint, pod, other)) n++;
      found.set(value, n);
    }
    const enough = found.size >= (constraint.minDomains ?? 1);
    const fewest = enough && found.size > 0 ? Math.min(...found.values()) : 0;
    return { constraint, counts: found, fewest, self: means(constraint, pod, pod) ? 1 : 0 };
  });
}

export function refusedBySpread(spreads: readonly Spread[], info: NodeInfo): "label" | "skew" | undefined {
  for (const { constraint, counts: found, fewest, self } of spreads) {
    if (!Object.hasOwn(info.labels, constraint.topologyKey)) return "label";
    const n = found.get(info.labels[constraint.topologyKey]!) ?? 0;
    if (n + self - fewest > constraint.maxSkew) return "skew";
  }
  return undefined;
}

/** How crowded the node's places are, over the soft constraints; lower is better. */
export function crowding(spreads: readonly Spread[], info: NodeInfo): number {
  let sum = 0;
  for (const { constraint, counts: found } of spreads)
    sum += found.get(info.labels[constraint.topologyKey] ?? "") ?? 0;
  return sum;
}
