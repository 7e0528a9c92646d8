// Drives pods away from nodes with NoExecute taints that they do not tolerate, or no longer.
import { nodes as nodesRef, pods as podsRef } from "../../../core/api/refs.ts";
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Node, Pod } from "../../../core/api/types.ts";
import { objectKey } from "../../client/mod.ts";
import { controllerQueue, controllerVoice, type StartController } from "../context.ts";
import { sameJson } from "../same-json.ts";
import { toleratedSeconds } from "./decide.ts";

export const startTaintEviction: StartController = (context) => {
  const { client, informers, now } = context;
  const nodes = informers.of(nodesRef);
  const pods = informers.of(podsRef);
  pods.index("node", (p) => (p.spec?.nodeName ? [p.spec.nodeName] : []));
  const say = controllerVoice(context, "taint-eviction-controller")(podsRef);
  /** Since when a pod's node has been tainted, by the pod's uid. */
  const since = new Map<string, number>();
  const queue = controllerQueue(context, "taint-eviction-controller", { workers: 8, work: reconcile });

  const nodeChanged = (node: Node): void => {
    for (const pod of pods.byIndex("node", node.metadata.name!)) queue.add(objectKey(pod));
  };
  nodes.on({
    added: nodeChanged,
    updated(node, old) {
      if (!sameJson(node.spec?.taints, old.spec?.taints)) nodeChanged(node);
    },
  });
  const podChanged = (pod: Pod): void => {
    if (pod.spec?.nodeName) queue.add(objectKey(pod));
  };
  pods.on({
    added: podChanged,
    updated(pod, old) {
      const moved = pod.spec?.nodeName !== old.spec?.nodeName;
      if (moved || !sameJson(pod.spec?.tolerations, old.spec?.tolerations)) podChanged(pod);
    },
    deleted: (pod) => void since.delete(pod.metadata.uid!),
  });

  async function reconcile(key: string): Promise<void> {
    const pod = pods.get(key);
    const node = pod?.spec?.nodeName ? nodes.get(pod.spec.nodeName) : undefined;
    if (!pod || !node || pod.metadata.deletionTimestamp) return;
    const uid = pod.metadata.uid!;
    const seconds = toleratedSeconds(node.spec?.taints ?? [], pod.spec?.tolerations);
    if (seconds === undefined) {
      if (since.delete(uid)) tell(pod, `Cancelling deletion of Pod ${key}`);
      return;
    }
    const start = since.get(uid) ?? now();
    since.set(uid, start);
    const wait = start + seconds * 1000 - now();
    if (wait > 0) return queue.add(key, wait);
    await evict(pod, key);
  }

  function tell(pod: Pod, message: string): void {
    say(pod, "Normal", "TaintManagerEviction", message);
  }

  async function evict(pod: Pod, key: string): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    tell(pod, `Marking for deletion Pod ${key}`);
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
      lastTransitionTime: timestamp(now()),
    };
    try {
      const patch = { metadata: { uid }, status: { conditions: [condition] } };
      await client.patch(podsRef, name!, patch, { namespace, type: "strategic", subresource: "status" });
      await client.delete(podsRef, name!, { namespace, preconditions: { uid: uid! } });
    } catch (error) {
      // Gone, or another pod of that name.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  return (signal) => queue.run(signal);
};
