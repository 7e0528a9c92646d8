// The conditions that are about a Service as it is now: whether every node's kernel has it, whether it serves. Services have
// no generation, so what binds a condition to the spec that it is about is the write itself: one that changes what nodes have
// to program takes a True back, in one revision (docs/service-conditions.md).
import type { Service } from "../../types.ts";
import { semanticEqual } from "../meta/mod.ts";

export const programmedCondition = "portolan.dev/Programmed";
export const servingCondition = "portolan.dev/Serving";

const bound = [programmedCondition, servingCondition];

/** Changes `s`; `now` is RFC 3339. What `s` and `old` share stays as it is. */
export function takeBackConditions(s: Service, old: Service, now: string): void {
  const conditions = s.status?.conditions ?? [];
  if (!conditions.some((c) => bound.includes(c.type) && c.status === "True")) return;
  const same =
    semanticEqual(s.spec, old.spec) && semanticEqual(s.status?.loadBalancer, old.status?.loadBalancer);
  if (same) return;
  s.status = {
    ...s.status,
    conditions: conditions.map((c) =>
      bound.includes(c.type) && c.status === "True"
        ? {
            ...c,
            status: "Unknown",
            reason: "Pending",
            message: "the Service was changed, and this is not known of the new one yet",
            lastTransitionTime: now,
          }
        : c,
    ),
  };
}
