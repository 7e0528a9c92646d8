// Looks every twenty seconds for pods that are lost, and removes them without waiting for a kubelet.
import { nodes as nodesRef, pods as podsRef } from "../../../core/api/refs.ts";
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import { errorFields, pause } from "../../client/mod.ts";
import type { StartController } from "../context.ts";
import { isPodTerminal } from "../pods/mod.ts";
import { type Lost, lostPods, missingNodes } from "./decide.ts";

const periodMs = 20_000;
const atOnce = 20;

export const startPodCollection: StartController = ({ client, informers, log, now }) => {
  const pods = informers.of(podsRef);
  const nodes = informers.of(nodesRef);
  const missingSince = new Map<string, number>();

  async function remove({ pod, message }: Lost): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    try {
      if (message) {
        const condition = {
          type: "DisruptionTarget",
          status: "True",
          reason: "DeletionByPodGC",
          message,
          lastTransitionTime: timestamp(now()),
        };
        const phase = isPodTerminal(pod) ? {} : { phase: "Failed" };
        const patch = { metadata: { uid }, status: { ...phase, conditions: [condition] } };
        await client.patch(podsRef, name!, patch, { namespace, type: "strategic", subresource: "status" });
      }
      await client.delete(podsRef, name!, { namespace, gracePeriodSeconds: 0, preconditions: { uid: uid! } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async function round(): Promise<void> {
    const all = pods.list();
    const missing = missingNodes(all, (name) => nodes.get(name));
    for (const name of missingSince.keys()) if (!missing.has(name)) missingSince.delete(name);
    for (const name of missing) if (!missingSince.has(name)) missingSince.set(name, now());
    const lost = lostPods({
      pods: all,
      node: (name) => nodes.get(name),
      missingForMs: (name) => now() - (missingSince.get(name) ?? now()),
    });
    for (let i = 0; i < lost.length; i += atOnce) {
      const results = await Promise.allSettled(lost.slice(i, i + atOnce).map(remove));
      for (const r of results)
        if (r.status === "rejected")
          log.warn(
            { controller: "pod-garbage-collector-controller", ...errorFields(r.reason) },
            "a lost pod stays",
          );
    }
  }

  return async (signal) => {
    while (!signal.aborted) {
      await round();
      await pause(periodMs, signal);
    }
  };
};
