// Whether a node is one that a pod allows by selector, affinity, taints and tolerations
// (component-helpers scheduling/corev1).
import { type Requirement, requirementMatches } from "../api/selector/mod.ts";
import type { Node, Pod, Taint, Toleration } from "../api/types.ts";

type NodeAffinity = NonNullable<NonNullable<NonNullable<Pod["spec"]>["affinity"]>["nodeAffinity"]>;
type NodeSelector = NonNullable<NodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]>;
export type NodeSelectorTerm = NodeSelector["nodeSelectorTerms"][number];

const operators: Readonly<Record<string, Requirement["operator"]>> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "!",
  Gt: "gt",
  Lt: "lt",
};

type Expression = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];

function expressionMatches(e: Expression, labels: Record<string, string>): boolean {
  const operator = operators[e.operator];
  return (
    operator !== undefined && requirementMatches({ key: e.key, operator, values: e.values ?? [] }, labels)
  );
}

/** Every expression and field must match; a term without any matches nothing. */
export function nodeTermMatches(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((e) => expressionMatches(e, node.metadata.labels ?? {})) &&
    fields.every((e) => expressionMatches(e, { "metadata.name": node.metadata.name! }))
  );
}

/** spec.nodeSelector and required node affinity. */
export function nodeIsSelected(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [k, v] of Object.entries(pod.spec?.nodeSelector ?? {}))
    if (!Object.hasOwn(labels, k) || labels[k] !== v) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => nodeTermMatches(term, node));
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? "Equal") {
    case "Exists":
      return true;
    case "Equal":
    case "":
      return Boolean(toleration.key) && (toleration.value ?? "") === (taint.value ?? "");
    default:
      return false;
  }
}

/** The first taint of these effects that the pod does not tolerate. */
export function untoleratedTaint(
  pod: Pod,
  taints: readonly Taint[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  const tolerations = pod.spec?.tolerations ?? [];
  return taints?.find((t) => effects.includes(t.effect) && !tolerations.some((x) => tolerates(x, t)));
}
