// pods/eviction: a deletion that says why (policy/v1), and that a PodDisruptionBudget may stand against (kubernetes
// pkg/registry/core/pod/storage eviction.go).
import { badRequest } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Eviction, Pod } from "../../../core/api/types.ts";
import type { ApiCore } from "../context.ts";
import { readDeleteOptions } from "../requests/mod.ts";
import type { SubresourceHandler } from "../subresource.ts";
import { deleteObject, updateObject } from "../verbs/mod.ts";
import { spendBudget } from "./disruption-budget.ts";

function markEvicted(pod: Pod, now: string): Pod {
  const conditions = (pod.status?.conditions ?? []).filter((c) => c.type !== "DisruptionTarget");
  pod.status = {
    ...pod.status,
    conditions: [
      ...conditions,
      {
        type: "DisruptionTarget",
        status: "True",
        reason: "EvictionByEvictionAPI",
        message: "Eviction API: evicting",
        lastTransitionTime: now,
      },
    ],
  };
  return pod;
}

export function evictionHandler(core: ApiCore): SubresourceHandler {
  return {
    body: { group: "policy", version: "v1", kind: "Eviction", model: "policy.v1.Eviction" },
    async POST({ def, namespace, name, context }, body) {
      const eviction = body as Eviction;
      if (eviction.metadata.name && eviction.metadata.name !== name)
        throw badRequest("name in URL does not match name in Eviction object");
      const { dryRun, ...options } = readDeleteOptions(eviction.deleteOptions);
      const ctx = dryRun?.includes("All") ? { ...context, dryRun: true } : context;
      const now = timestamp(core.now());
      await spendBudget(core, { namespace: namespace!, name, ctx });
      if (!ctx.dryRun)
        await updateObject(
          core,
          {
            def,
            namespace,
            name,
            subresource: "eviction",
            rules: "none",
            change: (pod) => (pod.metadata.deletionTimestamp ? pod : markEvicted(pod as Pod, now)),
          },
          ctx,
        );
      await deleteObject(core, def, namespace, name, options, ctx);
      return {
        code: 201,
        object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
      };
    },
  };
}
