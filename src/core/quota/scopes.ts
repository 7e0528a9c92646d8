// Whether a quota's scopes hold for an object (kubernetes pkg/quota/v1/evaluator/core podMatchesScopeFunc).
import type { KubeObject, Pod, ResourceQuota } from "../api/types.ts";
import type { CountedKind } from "./usage.ts";

interface Requirement {
  scopeName: string;
  operator: string;
  values?: string[];
}

function hasCrossNamespaceAffinity(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((a) => [
    ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm),
  ]);
  return terms.some((t) => (t.namespaces?.length ?? 0) > 0 || t.namespaceSelector !== undefined);
}

function priorityMatches(pod: Pod, { operator, values = [] }: Requirement): boolean {
  const name = pod.spec?.priorityClassName ?? "";
  if (operator === "In") return values.includes(name);
  if (operator === "NotIn") return !values.includes(name);
  return operator === "Exists" ? name !== "" : name === "";
}

function holds(pod: Pod, requirement: Requirement): boolean {
  const terminating = (pod.spec?.activeDeadlineSeconds ?? -1) >= 0;
  const bestEffort = pod.status?.qosClass === "BestEffort";
  switch (requirement.scopeName) {
    case "Terminating":
      return terminating;
    case "NotTerminating":
      return !terminating;
    case "BestEffort":
      return bestEffort;
    case "NotBestEffort":
      return !bestEffort;
    case "PriorityClass":
      return priorityMatches(pod, requirement);
    case "CrossNamespacePodAffinity":
      return hasCrossNamespaceAffinity(pod);
    default:
      return false;
  }
}

/** Quotas with scopes count pods only. */
export function coversObject(quota: ResourceQuota, kind: CountedKind, object: KubeObject): boolean {
  const requirements: Requirement[] = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (requirements.length === 0) return true;
  return kind.group === "" && kind.plural === "pods" && requirements.every((r) => holds(object as Pod, r));
}
