// Warnings about where a pod may run: labels of nodes that have new names, selectors that select nothing.
import type { PodSpec } from "../../types.ts";

const nodeLabels = new Map<string, [since: string, instead: string]>([
  ["beta.kubernetes.io/arch", ["v1.14", "kubernetes.io/arch"]],
  ["beta.kubernetes.io/os", ["v1.14", "kubernetes.io/os"]],
  ["failure-domain.beta.kubernetes.io/region", ["v1.17", "topology.kubernetes.io/region"]],
  ["failure-domain.beta.kubernetes.io/zone", ["v1.17", "topology.kubernetes.io/zone"]],
  ["beta.kubernetes.io/instance-type", ["v1.17", "node.kubernetes.io/instance-type"]],
]);
const NONE = "a null labelSelector results in matching no pod";
const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

/** What a warning says of a node label that has a newer name. */
export function deprecatedNodeLabel(key: string): string | undefined {
  const found = nodeLabels.get(key);
  return found && `deprecated since ${found[0]}; use "${found[1]}" instead`;
}

function nodeAffinityWarnings(spec: PodSpec, path: string): string[] {
  const affinity = spec.affinity?.nodeAffinity;
  const terms = [
    ...(affinity?.[REQUIRED]?.nodeSelectorTerms ?? []).map(
      (t, i) => [`${path}.${REQUIRED}.nodeSelectorTerms[${i}]`, t] as const,
    ),
    ...(affinity?.[PREFERRED] ?? []).map(
      (t, i) => [`${path}.${PREFERRED}[${i}].preference`, t.preference] as const,
    ),
  ];
  return terms.flatMap(([here, term]) =>
    (term?.matchExpressions ?? []).flatMap((e, j) => {
      const old = deprecatedNodeLabel(e.key);
      return old ? [`${here}.matchExpressions[${j}].key: ${e.key} is ${old}`] : [];
    }),
  );
}

export function schedulingWarnings(spec: PodSpec, path: string): string[] {
  const warnings = Object.keys(spec.nodeSelector ?? {}).flatMap((key) => {
    const old = deprecatedNodeLabel(key);
    return old ? [`${path}.nodeSelector[${key}]: ${old}`] : [];
  });
  warnings.push(...nodeAffinityWarnings(spec, `${path}.affinity.nodeAffinity`));
  for (const [i, c] of (spec.topologySpreadConstraints ?? []).entries()) {
    const here = `${path}.topologySpreadConstraints[${i}]`;
    const old = deprecatedNodeLabel(c.topologyKey);
    if (old) warnings.push(`${here}.topologyKey: ${c.topologyKey} is ${old}`);
    if (c.labelSelector == null) warnings.push(`${here}.labelSelector: ${NONE}`);
  }
  return warnings;
}

export function podAffinityWarnings(spec: PodSpec, path: string): string[] {
  return (["podAffinity", "podAntiAffinity"] as const).flatMap((which) => {
    const a = spec.affinity?.[which];
    const at = `${path}.affinity.${which}`;
    return [
      ...(a?.[REQUIRED] ?? []).flatMap((t, i) =>
        t.labelSelector == null ? [`${at}.${REQUIRED}[${i}].labelSelector: ${NONE}`] : [],
      ),
      ...(a?.[PREFERRED] ?? []).flatMap((t, i) =>
        t.podAffinityTerm?.labelSelector == null
          ? [`${at}.${PREFERRED}[${i}].podAffinityTerm.labelSelector: ${NONE}`]
          : [],
      ),
    ];
  });
}
