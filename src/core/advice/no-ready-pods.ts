// Pods are selected and none of them is ready: what most of them say is why.
import type { Pod, Service } from "../api/types.ts";
import type { Finding } from "./finding.ts";
import { type ProbeFailure, podTrouble } from "./pod-trouble.ts";

/** `pods` are those that the Service selects. Nothing when one is ready, or when that does not matter. */
export function noReadyPods(service: Service, pods: readonly Pod[], failure: ProbeFailure): Finding[] {
  if (pods.length === 0 || service.spec?.publishNotReadyAddresses) return [];
  const counts = new Map<string, { failing: number; count: number }>();
  for (const pod of pods) {
    const trouble = podTrouble(pod, failure);
    if (!trouble) return [];
    const known = counts.get(trouble.text);
    counts.set(trouble.text, {
      failing: trouble.kind === "failing" ? 1 : 0,
      count: (known?.count ?? 0) + 1,
    });
  }
  const [text, first] = [...counts].sort(
    ([a, x], [b, y]) => y.failing - x.failing || y.count - x.count || (a < b ? -1 : 1),
  )[0]!;
  const number = pods.length === 1 ? "1 pod" : `${pods.length} pods`;
  return [
    first.failing
      ? { reason: "NoReadyPods", severity: "error", message: `no selected pod is ready (${number}): ${text}` }
      : {
          reason: "PodsStarting",
          severity: "starting",
          message: `no selected pod is ready yet (${number}): ${text}`,
        },
  ];
}
