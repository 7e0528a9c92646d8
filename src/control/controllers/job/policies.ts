// What a Job's policies make of its pods: which failures count, which end the Job or an index, and when enough has
// succeeded (KEP-3329, KEP-3850, KEP-3998).
import type { Job, Pod } from "../../../core/api/types.ts";
import { parseIndexes } from "./indexes.ts";

export const failureCountKey = "batch.kubernetes.io/job-index-failure-count";

export interface FailureVerdict {
  action: "Count" | "Ignore" | "FailIndex" | "FailJob";
  /** Why the Job fails, with FailJob. */
  message: string;
}

type Policy = NonNullable<NonNullable<Job["spec"]>["podFailurePolicy"]>;
type Rule = Policy["rules"][number];

function matchingContainer(rule: Rule, pod: Pod): { name: string; exitCode: number } | undefined {
  const wanted = rule.onExitCodes;
  if (!wanted) return undefined;
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  for (const { name, state } of all) {
    const exitCode = state?.terminated?.exitCode ?? 0;
    if (exitCode === 0 || (wanted.containerName && wanted.containerName !== name)) continue;
    if (wanted.values.includes(exitCode) === (wanted.operator === "In")) return { name, exitCode };
  }
  return undefined;
}

/** The first rule that a failed pod matches decides; without one the failure counts. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  const who = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [i, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const action = rule.action as FailureVerdict["action"];
    const container = matchingContainer(rule, pod);
    if (container)
      return {
        action,
        message: `Container ${container.name} for pod ${who} failed with exit code ${container.exitCode} matching ${action} rule at index ${i}`,
      };
    const pattern = (rule.onPodConditions ?? []).find((p) =>
      pod.status?.conditions?.some((c) => c.type === p.type && c.status === (p.status ?? "True")),
    );
    if (pattern)
      return {
        action,
        message: `Pod ${who} has condition ${pattern.type} matching ${action} rule at index ${i}`,
      };
  }
  return { action: "Count", message: "" };
}

/** Failures of an index before this pod. */
export function earlierFailures(pod: Pod): number {
  const text = pod.metadata.annotations?.[failureCountKey] ?? "";
  return /^\d+$/.test(text) ? Number(text) : 0;
}

/** Whether this failed pod was its index's last try. */
export function failsIndex(job: Job, pod: Pod, verdict: FailureVerdict): boolean {
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit == null || verdict.action === "Ignore") return false;
  return verdict.action === "FailIndex" || earlierFailures(pod) + 1 > limit;
}

/** Index of the success rule that is met. */
export function metSuccessRule(job: Job, completed: ReadonlySet<number>): number | undefined {
  const rules = job.spec?.successPolicy?.rules ?? [];
  for (const [i, rule] of rules.entries()) {
    if (rule.succeededIndexes == null) {
      if (rule.succeededCount != null && completed.size >= rule.succeededCount) return i;
      continue;
    }
    const wanted = parseIndexes(rule.succeededIndexes);
    const done = [...wanted].filter((n) => completed.has(n)).length;
    if (done >= (rule.succeededCount ?? wanted.size)) return i;
  }
  return undefined;
}
