// Asks the PodDisruptionBudget of a pod whether it may be evicted, and takes the eviction off its allowance.
import { podDisruptionBudgets } from "../../../core/api/refs.ts";
import { labelSelectorMatches } from "../../../core/api/selector/mod.ts";
import { failure, internalError, type StatusError } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Pod, PodDisruptionBudget } from "../../../core/api/types.ts";
import type { ApiCore, WriteContext } from "../context.ts";
import { storeKey } from "../registry.ts";
import { storedObject } from "../stored-object.ts";
import { updateObject } from "../verbs/mod.ts";

const maxDisrupted = 2000;
const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

function refused(message: string, retryAfterSeconds?: number): StatusError {
  return failure(429, "TooManyRequests", refusal, {
    causes: [{ reason: "DisruptionBudget", message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

/** A pod that does no work, or is going already, needs nobody's leave. */
function needsLeave(pod: Pod): boolean {
  return (
    !["Pending", "Succeeded", "Failed"].includes(pod.status?.phase ?? "Pending") &&
    !pod.metadata.deletionTimestamp
  );
}

/** Throws StatusError 429 when the budget is spent; 500 when several budgets select the pod. */
export async function spendBudget(
  core: ApiCore,
  { namespace, name, ctx }: { namespace: string; name: string; ctx: WriteContext },
): Promise<void> {
  const pods = core.registry.find("", "v1", "pods");
  const def = core.registry.find("policy", "v1", podDisruptionBudgets.resource);
  const kv = pods && core.store.get(storeKey(pods, namespace, name));
  if (!def || !kv) return;
  const pod = storedObject(kv) as Pod;
  if (!needsLeave(pod)) return;
  const budgets = core.store
    .range(storeKey(def, namespace, ""))
    .map((b) => storedObject(b) as PodDisruptionBudget)
    .filter((b) => labelSelectorMatches(b.spec?.selector, pod.metadata.labels));
  if (budgets.length === 0) return;
  if (budgets.length > 1)
    throw internalError(
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  const [budget] = budgets as [PodDisruptionBudget];
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  if (!isReady(pod)) {
    if (budget.spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return;
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return;
  }
  const now = timestamp(core.now());
  const change = (b: PodDisruptionBudget): PodDisruptionBudget => spend(b, name, now);
  if (ctx.dryRun) {
    change(structuredClone(budget));
    return;
  }
  await updateObject(
    core,
    {
      def,
      namespace,
      name: budget.metadata.name!,
      subresource: "status",
      change: (b) => change(b as PodDisruptionBudget),
    },
    ctx,
  );
}

function spend(b: PodDisruptionBudget, pod: string, now: string): PodDisruptionBudget {
  const { name, generation = 0 } = b.metadata;
  const status = b.status!;
  if ((status.observedGeneration ?? 0) < generation)
    throw refused(`The disruption budget ${name} is still being processed by the server.`, 10);
  if (Object.keys(status.disruptedPods ?? {}).length > maxDisrupted)
    throw failure(
      403,
      "Forbidden",
      `poddisruptionbudgets.policy "${name}" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller`,
    );
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed <= 0)
    throw refused(
      `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
    );
  const disrupted = new Map(Object.entries(status.disruptedPods ?? {}));
  disrupted.set(pod, now as never);
  return {
    ...b,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: Object.fromEntries(disrupted),
    },
  };
}
