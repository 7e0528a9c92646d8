// Two lists of tolerations as one: what another of them covers is left out (kubernetes pkg/util/tolerations).
import { semanticEqual } from "../../../core/api/kinds/mod.ts";
import type { Toleration } from "../../../core/api/types.ts";

/** Whether everything that `one` tolerates is tolerated by `all` too. */
function covers(all: Toleration, one: Toleration): boolean {
  if (semanticEqual(all, one)) return true;
  if ((one.key ?? "") !== (all.key ?? "") && (all.key || all.operator !== "Exists")) return false;
  if (all.effect && all.effect !== (one.effect ?? "")) return false;
  if (all.effect === "NoExecute" && all.tolerationSeconds != null)
    if (one.tolerationSeconds == null || one.tolerationSeconds > all.tolerationSeconds) return false;
  if (all.operator === "Exists") return true;
  return (
    (!all.operator || all.operator === "Equal") &&
    one.operator === "Equal" &&
    (one.value ?? "") === (all.value ?? "")
  );
}

/** Of equal ones the first stays. Pure. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [i, t] of all.entries()) {
    const covered =
      merged.some((m) => covers(m, t)) ||
      all.slice(i + 1).some((later) => !semanticEqual(t, later) && covers(later, t));
    if (!covered) merged.push(structuredClone(t));
  }
  return merged;
}
