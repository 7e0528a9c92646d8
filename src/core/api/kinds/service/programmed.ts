// The condition that says every node's kernel has a Service. Services have no generation, so what binds the condition to the
// spec that it is about is the write itself: one that changes what nodes have to program takes a True back, in one revision.
import type { Service } from "../../types.ts";
import { semanticEqual } from "../meta/mod.ts";

export const programmedCondition = "portolan.dev/Programmed";

/** Changes `s`; `now` is RFC 3339. What `s` and `old` share stays as it is. */
export function takeBackProgrammed(s: Service, old: Service, now: string): void {
  const conditions = s.status?.conditions ?? [];
  if (!conditions.some((c) => c.type === programmedCondition && c.status === "True")) return;
  const same =
    semanticEqual(s.spec, old.spec) && semanticEqual(s.status?.loadBalancer, old.status?.loadBalancer);
  if (same) return;
  s.status = {
    ...s.status,
    conditions: conditions.map((c) =>
      c.type === programmedCondition
        ? {
            ...c,
            status: "Unknown",
            reason: "Pending",
            message: "the Service was changed; not every node's kernel has it yet",
            lastTransitionTime: now,
          }
        : c,
    ),
  };
}
