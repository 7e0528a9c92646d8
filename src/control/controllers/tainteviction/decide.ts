// How long a pod may stay on a node with NoExecute taints (pkg/controller/tainteviction).
import type { Taint, Toleration } from "../../../core/api/types.ts";
import { tolerates } from "../../../core/scheduling/mod.ts";

/** Seconds that the pod may stay: 0 not at all, undefined for ever. */
export function toleratedSeconds(
  taints: readonly Taint[],
  tolerations: readonly Toleration[] | undefined,
): number | undefined {
  const noExecute = taints.filter((t) => t.effect === "NoExecute");
  if (noExecute.length === 0) return undefined;
  const used = (tolerations ?? []).filter((x) => noExecute.some((t) => tolerates(x, t)));
  if (noExecute.some((t) => !used.some((x) => tolerates(x, t)))) return 0;
  const limits = used.map((x) => x.tolerationSeconds).filter((s) => s !== undefined && s !== null);
  return limits.length === 0 ? undefined : Math.max(0, Math.min(...limits));
}
