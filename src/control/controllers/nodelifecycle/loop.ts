// The node life cycle controller: hears every node's heartbeat (its Lease, or its status), declares a silent one unknown,
// takes its pods out of service and keeps taints that follow conditions.
import { leases as leasesRef, nodes as nodesRef, pods as podsRef } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Lease, Node, Pod } from "../../../core/api/types.ts";
import { controllerQueue, controllerVoice, type StartController } from "../context.ts";
import { isPodReady } from "../pods/mod.ts";
import { graceMs, readyStatus, silentConditions, startupGraceMs, wantedTaints } from "./decide.ts";

const leaseNamespace = "kube-node-lease";
/** Looking so much later than intended means that this process stood still; a node then gets some more time. */
const stallMs = 5000;
const recoverMs = 10_000;

export const startNodeLifecycle: StartController = (context) => {
  const { client, informers, now } = context;
  const nodes = informers.of(nodesRef);
  const leases = informers.of(leasesRef);
  const pods = informers.of(podsRef);
  pods.index("node", (p) => (p.spec?.nodeName ? [p.spec.nodeName] : []));
  const voice = controllerVoice(context, "node-controller");
  const tell = voice(nodesRef);
  const tellOfPod = voice(podsRef);
  /** When we last heard of a node, by our own clock: clocks of nodes may differ, and we may have been away. */
  const heard = new Map<string, number>();
  const queue = controllerQueue(context, "node-lifecycle-controller", { work: reconcile });

  function hear(node: string): void {
    heard.set(node, now());
    const known = nodes.get(node);
    if (known && readyStatus(known) === "Unknown") queue.add(node);
  }
  const sign = (lease: Lease): void => {
    if (lease.metadata.namespace === leaseNamespace) hear(lease.metadata.name!);
  };
  leases.on({
    added: sign,
    updated(lease, old) {
      if (lease.spec?.renewTime !== old.spec?.renewTime) sign(lease);
    },
  });
  const heartbeat = (n: Node): unknown =>
    n.status?.conditions?.find((c) => c.type === "Ready")?.lastHeartbeatTime;
  nodes.on({
    added(node) {
      const name = node.metadata.name!;
      heard.set(name, now());
      tell(node, "Normal", "RegisteredNode", `Node ${name} event: Registered Node ${name} in Controller`);
      queue.add(name);
      reviewOthers(name);
    },
    updated(node, old) {
      if (heartbeat(node) !== heartbeat(old)) heard.set(node.metadata.name!, now());
      queue.add(node.metadata.name!);
      if (readyStatus(node) !== readyStatus(old)) reviewOthers(node.metadata.name!);
    },
    deleted(node) {
      const name = node.metadata.name!;
      heard.delete(name);
      tell(node, "Normal", "RemovingNode", `Node ${name} event: Removing Node ${name} from Controller`);
      reviewOthers(name);
    },
  });

  /** Whether all nodes have failed decides for each of them whether it may evict. */
  function reviewOthers(name: string): void {
    for (const n of nodes.list())
      if (n.metadata.name !== name && readyStatus(n) !== "True") queue.add(n.metadata.name!);
  }

  async function reconcile(name: string): Promise<void> {
    const node = nodes.get(name);
    if (!node) return;
    const isSilent = await watchSilence(node);
    const latest = nodes.get(name) ?? node;
    if (isSilent && readyStatus(latest) === "Unknown") await takeOutOfService(latest);
    const evict = nodes.list().some((n) => readyStatus(n) === "True");
    const taints = wantedTaints(latest, { evict, time: timestamp(now()) });
    if (!taints) return;
    const { resourceVersion } = latest.metadata;
    const patch = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
    nodes.wrote(await client.patch(nodesRef, name, patch, { type: "merge" }));
  }

  /** Declares the node unknown when it was silent for too long, and comes back when it could be. */
  async function watchSilence(node: Node): Promise<boolean> {
    const name = node.metadata.name!;
    const grace = readyStatus(node) === undefined ? startupGraceMs : graceMs;
    const since = now() - (heard.get(name) ?? now());
    if (since <= grace) {
      queue.add(name, grace - since + 1);
      return false;
    }
    const wasReady = readyStatus(node) === "True";
    if (readyStatus(node) !== "Unknown" && since > grace + stallMs) {
      // It is we who slept: signs of life may be waiting to be read.
      heard.set(name, now() - grace + recoverMs);
      queue.add(name, recoverMs + 1);
      return false;
    }
    const conditions = silentConditions(node, timestamp(now()));
    if (conditions) {
      const next = { ...node, status: { ...node.status, conditions } };
      nodes.wrote(await client.update(nodesRef, next, { subresource: "status" }));
      if (wasReady) tell(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
    }
    return true;
  }

  /** Its pods are no longer ready as far as anyone can tell: their endpoints leave the slices. */
  async function takeOutOfService(node: Node): Promise<void> {
    const stale = pods.byIndex("node", node.metadata.name!).filter(isPodReady);
    await Promise.all(stale.map(markNotReady));
  }

  async function markNotReady(pod: Pod): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const condition = { type: "Ready", status: "False", lastTransitionTime: timestamp(now()) };
    const patch = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      pods.wrote(
        await client.patch(podsRef, name!, patch, { namespace, type: "strategic", subresource: "status" }),
      );
      tellOfPod(pod, "Warning", "NodeNotReady", "Node is not ready");
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return (signal) => queue.run(signal);
};
