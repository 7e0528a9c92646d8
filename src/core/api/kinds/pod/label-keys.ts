// `matchLabelKeys` and `mismatchLabelKeys` of a new pod become requirements of the label selector beside them.
import type { LabelSelector, Pod } from "../../types.ts";

interface Keyed {
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}

function merge(term: Keyed | undefined, labels: Record<string, string>): void {
  const selector = term?.labelSelector;
  // No selector selects nothing, with keys or without.
  if (!term || !selector) return;
  const requirements = (keys: readonly string[] | undefined, operator: "In" | "NotIn") =>
    (keys ?? [])
      .filter((key) => Object.hasOwn(labels, key))
      .map((key) => ({ key, operator, values: [labels[key]!] }));
  const more = [...requirements(term.matchLabelKeys, "In"), ...requirements(term.mismatchLabelKeys, "NotIn")];
  if (more.length > 0) selector.matchExpressions = [...(selector.matchExpressions ?? []), ...more];
}

export function mergeLabelKeys(pod: Pod): void {
  const labels = pod.metadata.labels ?? {};
  for (const which of ["podAffinity", "podAntiAffinity"] as const) {
    const terms = pod.spec?.affinity?.[which];
    for (const t of terms?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      merge(t.podAffinityTerm, labels);
    for (const t of terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []) merge(t, labels);
  }
  for (const c of pod.spec?.topologySpreadConstraints ?? []) merge(c, labels);
}
