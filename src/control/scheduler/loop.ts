// The scheduler's loop: decides pod after pod on its own picture of the cluster and binds many at a time; a binding counts
// in the picture from the moment it is decided (kube-scheduler's assumed pods).

import {
  namespaces as namespacesRef,
  nodes as nodesRef,
  pods as podsRef,
  resourceClaims as resourceClaimsRef,
} from "../../core/api/refs.ts";
import { isNotFound } from "../../core/api/status.ts";
import { timestamp } from "../../core/api/timestamp.ts";
import type { Binding, Node, Pod } from "../../core/api/types.ts";
import {
  createEventRecorder,
  createInformers,
  errorFields,
  eventSubject,
  type KubeClient,
  type Log,
  objectKey,
} from "../client/mod.ts";
import { bindClaims, createStorageCache } from "./bind-claims.ts";
import { ClusterView } from "./cluster-view.ts";
import { type Decision, schedulePod } from "./decide.ts";
import { claimsDevices } from "./device-claims.ts";
import { createSchedulingQueue } from "./scheduling-queue.ts";

export interface SchedulerOptions {
  client: KubeClient;
  log: Log;
  /** Milliseconds since the epoch. */
  now?(): number;
  /** 0…1, picks among equally good nodes. */
  random?(): number;
}

const schedulerName = "default-scheduler";
const maxBindings = 100;
/** Decisions taken before other work gets its turn. */
const turn = 32;
const retryAllMs = 60_000;

const finished = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
const isGated = (pod: Pod): boolean => (pod.spec?.schedulingGates ?? []).length > 0;

/** Ours to place: no node yet, not gated, not on its way out. */
function isWaiting(pod: Pod): boolean {
  if (pod.spec?.nodeName || pod.metadata.deletionTimestamp || finished(pod) || isGated(pod)) return false;
  return (pod.spec?.schedulerName ?? schedulerName) === schedulerName;
}

/** Where other pods are, and how they are labelled, can only let such a pod in: the rest wait for room. */
function looksAtPods(pod: Pod): boolean {
  const { affinity, topologySpreadConstraints } = pod.spec ?? {};
  return Boolean(affinity?.podAffinity ?? affinity?.podAntiAffinity ?? topologySpreadConstraints?.length);
}

/** Only these of a node's facts decide where pods may go; heartbeats change others. */
function nodeFacts(node: Node): string {
  const { labels } = node.metadata;
  return JSON.stringify([labels, node.spec?.taints, node.spec?.unschedulable, node.status?.allocatable]);
}

/** Places pods until the signal aborts. */
export async function startScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, log, now = Date.now, random = Math.random } = options;
  const informers = createInformers(client, (resource, error) =>
    log.warn({ resource, ...errorFields(error) }, "the scheduler's watch was interrupted"),
  );
  const pods = informers.of(podsRef);
  const nodes = informers.of(nodesRef);
  const namespaces = informers.of(namespacesRef);
  const deviceClaims = informers.of(resourceClaimsRef);
  const { storage, watch: watchStorage } = createStorageCache(informers);
  const recorder = createEventRecorder(client, { component: schedulerName, now });
  const view = new ClusterView();
  const queue = createSchedulingQueue(now, wake);
  let binding = 0;
  let started = false;
  let awake = false;

  nodes.on({
    added(node) {
      view.putNode(node);
      queue.retryAll();
    },
    updated(node, old) {
      view.putNode(node);
      if (nodeFacts(node) !== nodeFacts(old)) queue.retryAll();
    },
    deleted: (node) => view.removeNode(node),
  });
  namespaces.on({
    added: (ns) => view.putNamespace(ns),
    updated(ns) {
      view.putNamespace(ns);
      queue.retryAll();
    },
    deleted: (ns) => view.removeNamespace(ns),
  });
  pods.on({
    added(pod) {
      view.putPod(pod);
      if (isWaiting(pod)) queue.add(objectKey(pod), pod);
      else if (pod.spec?.nodeName) queue.retryAll(looksAtPods);
    },
    updated(pod, old) {
      view.putPod(pod);
      if (!isWaiting(pod)) queue.remove(pod.metadata.uid!);
      else if (
        !isWaiting(old) ||
        JSON.stringify([pod.spec, pod.metadata.labels]) !== JSON.stringify([old.spec, old.metadata.labels])
      )
        queue.add(objectKey(pod), pod);
      const freed = finished(pod) && !finished(old);
      const relabelled = JSON.stringify(pod.metadata.labels) !== JSON.stringify(old.metadata.labels);
      if (!pod.spec?.nodeName) return;
      if (freed) queue.retryAll();
      else if (relabelled || !old.spec?.nodeName) queue.retryAll(looksAtPods);
    },
    deleted(pod) {
      view.removePod(pod);
      queue.remove(pod.metadata.uid!);
      if (pod.spec?.nodeName) queue.retryAll();
    },
  });

  watchStorage(() => queue.retryAll());
  const retryDevices = (): void => queue.retryAll(claimsDevices);
  deviceClaims.on({ added: retryDevices, deleted: retryDevices });

  function wake(): void {
    if (awake || !started) return;
    awake = true;
    queueMicrotask(work);
  }

  function work(): void {
    awake = false;
    for (let n = 0; n < turn && binding < maxBindings && !signal.aborted; n++) {
      const key = queue.next();
      if (key === undefined) return;
      const pod = pods.get(key);
      if (pod && isWaiting(pod)) place(pod);
    }
    awake = true;
    if (binding < maxBindings) setImmediate(work);
    else awake = false;
  }

  function place(pod: Pod): void {
    const decision = schedulePod(pod, view, { random, storage, deviceClaim: (key) => deviceClaims.get(key) });
    if (decision.kind === "unschedulable") {
      refuse(pod, decision.message);
      return;
    }
    view.promise(pod, decision.node);
    binding++;
    void bind(pod, decision).finally(() => {
      binding--;
      wake();
    });
  }

  async function bind(pod: Pod, { node, claims }: Extract<Decision, { kind: "bind" }>): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const body: Binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: name!, namespace: namespace!, uid: uid! },
      target: { apiVersion: "v1", kind: "Node", name: node },
    };
    try {
      const wanted = (): boolean => {
        const latest = pods.get(objectKey(pod));
        return latest !== undefined && latest.metadata.uid === uid && isWaiting(latest);
      };
      if (claims.length > 0) await bindClaims(client, claims, { node, claim: storage.claim, wanted, signal });
      await client.create(podsRef, body, { namespace, name, subresource: "binding" });
      queue.done(uid!);
      recorder.record(eventSubject(podsRef, pod), {
        type: "Normal",
        reason: "Scheduled",
        message: `Successfully assigned ${namespace}/${name} to ${node}`,
      });
    } catch (error) {
      const latest = pods.get(objectKey(pod));
      const same = latest?.metadata.uid === uid ? latest : undefined;
      if (!same?.spec?.nodeName) view.removePod(pod);
      if (!same || isNotFound(error) || !isWaiting(same)) return;
      log.warn({ pod: objectKey(pod), node, ...errorFields(error) }, "a binding was refused");
      refuse(same, `binding rejected: ${(error as Error).message}`);
      queue.retryAll();
    }
  }

  /** Puts the pod aside and says why, on the pod and as an event. */
  function refuse(pod: Pod, message: string): void {
    queue.setAside(objectKey(pod), pod);
    recorder.record(eventSubject(podsRef, pod), {
      type: "Warning",
      reason: "FailedScheduling",
      message: message.length > 1024 ? `${message.slice(0, 1021)}...` : message,
    });
    const old = pod.status?.conditions?.find((c) => c.type === "PodScheduled");
    if (old?.status === "False" && old.reason === "Unschedulable" && old.message === message) return;
    const time = timestamp(now());
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime: old?.status === "False" && old.lastTransitionTime ? old.lastTransitionTime : time,
    };
    client
      .patch(
        podsRef,
        pod.metadata.name!,
        { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } },
        { namespace: pod.metadata.namespace, type: "strategic", subresource: "status" },
      )
      .catch((error: unknown) =>
        log.debug(
          { pod: objectKey(pod), ...errorFields(error) },
          "why a pod has no node was not noted on it",
        ),
      );
  }

  const caches = informers.run(signal);
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([informers.synced(), stopped]);
  started = true;
  wake();
  // Whatever an event failed to tell, a slow round finds.
  const round = setInterval(() => queue.retryAll(), retryAllMs);
  await stopped;
  clearInterval(round);
  queue.stop();
  await caches;
}
