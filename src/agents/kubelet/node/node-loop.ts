// Registers the node, renews its Lease every ten seconds, and writes its status when something changed or five minutes
// passed (KEP-589, node heartbeats).

import { type EventRecorder, type KubeClient, pause } from "../../../control/client/mod.ts";
import { leases, nodes } from "../../../core/api/refs.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { Lease, Node } from "../../../core/api/types.ts";
import type { PodRuntime } from "../runtime/mod.ts";
import {
  conditionNews,
  extendedResources,
  type MachineRoom,
  type NodeInput,
  newNode,
  nodeConditions,
  nodeLabels,
  nodeStatus,
  type Unready,
} from "./node-object.ts";

export interface NodeLoopOptions {
  client: KubeClient;
  runtime: PodRuntime;
  events: EventRecorder;
  input: Omit<NodeInput, "images" | "runtimeVersion">;
  /** What is left on the machine now. */
  room(): MachineRoom;
  now(): number;
  log(message: string, detail?: object): void;
}

const leaseNamespace = "kube-node-lease";
const leaseMs = 10_000;
const leaseSeconds = 40;
const reportMs = 300_000;
const retryMs = 200;

export interface NodeLoop {
  /** Resolves when the Node object is in the API with this machine's status. */
  readonly registered: Promise<void>;
  readonly done: Promise<void>;
}

/** Runs until the signal aborts. Needs the runtime's answers only for the node's readiness, never to keep its Lease. */
export function runNode(options: NodeLoopOptions, signal: AbortSignal): NodeLoop {
  const { client, runtime, events, now, log } = options;
  const { name } = options.input;
  let node: Node | undefined;
  let lease: Lease | undefined;
  let reported = { at: 0, text: "" };
  let runtimeVersion = "";
  let wasReady: boolean | undefined;

  async function look(): Promise<{ unready: Unready; images: NodeInput["images"] }> {
    try {
      if (runtimeVersion === "") runtimeVersion = (await runtime.version()).version;
      const [conditions, images] = await Promise.all([runtime.conditions(), runtime.images()]);
      const unready = conditions
        .filter((c) => !c.status)
        .map((c) =>
          c.type === "NetworkReady"
            ? `container runtime network not ready: NetworkReady=false reason:${c.reason} message:${c.message}`
            : `container runtime status check may not have completed yet: ${c.type}=false reason:${c.reason} message:${c.message}`,
        );
      return { unready, images };
    } catch (error) {
      return { unready: [`container runtime is down: ${(error as Error).message}`], images: [] };
    }
  }

  /** Whether the API still has our word: a node that was silent for too long finds itself declared unknown, or deleted. */
  async function stands(status: NonNullable<Node["status"]>): Promise<boolean> {
    try {
      node = await client.get(nodes, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      node = undefined;
      return false;
    }
    if (Object.keys(extendedResources(node.status)).length > 0) return false;
    const there = new Map(node.status?.conditions?.map((c) => [c.type, c.status]));
    return (status.conditions ?? []).every((c) => there.get(c.type) === c.status);
  }

  async function report(): Promise<void> {
    const { unready, images } = await look();
    const input: NodeInput = { ...options.input, runtimeVersion, images };
    const at = timestamp(now());
    const room = options.room();
    const status = nodeStatus(input, nodeConditions(node?.status?.conditions, room, unready, at));
    const steady = JSON.stringify({
      ...status,
      conditions: status.conditions!.map((c) => [c.type, c.status, c.reason, c.message]),
    });
    if (node && steady === reported.text && now() - reported.at < reportMs && (await stands(status))) return;
    let isNew = false;
    if (!node) {
      try {
        node = await client.create(nodes, newNode(input, status), { fieldManager: "kubelet" });
        isNew = true;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        node = await client.get(nodes, name);
        // The launcher's labels are where a node begins: a zone that somebody has given it since stays.
        const standard = nodeLabels({ ...input, labels: {} });
        const labels = { ...input.labels, ...node.metadata.labels, ...standard };
        node = await client.patch(
          nodes,
          name,
          { metadata: { labels } },
          { type: "merge", fieldManager: "kubelet" },
        );
      }
    }
    status.conditions = nodeConditions(node.status?.conditions, room, unready, at);
    const news = conditionNews(isNew ? undefined : node.status?.conditions, status.conditions);
    try {
      node = await client.patch(
        nodes,
        name,
        {
          status: {
            ...status,
            allocatable: { ...status.allocatable, ...extendedResources(node.status) },
            // A list of both families has two addresses of one type, which is what it would be merged by.
            addresses: [...status.addresses!, { $patch: "replace" }],
          },
        },
        { subresource: "status", type: "strategic", fieldManager: "kubelet" },
      );
    } catch (error) {
      // Deleted under us: it is registered anew the next time.
      if (isNotFound(error)) node = undefined;
      throw error;
    }
    reported = { at: now(), text: steady };
    for (const reason of news)
      events.record(
        { apiVersion: "v1", kind: "Node", name, uid: name },
        { type: "Normal", reason, message: `Node ${name} status is now: ${reason}` },
      );
    wasReady = unready.length === 0;
  }

  async function renew(): Promise<void> {
    const renewTime = new Date(now()).toISOString().replace("Z", "000Z");
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime };
    try {
      if (lease) {
        lease = await client.update(leases, { ...lease, spec: { ...lease.spec, ...spec } } as Lease, {
          fieldManager: "kubelet",
        });
        return;
      }
      lease = await client.get(leases, name, { namespace: leaseNamespace });
      return await renew();
    } catch (error) {
      if (isConflict(error)) {
        lease = undefined;
        return;
      }
      if (!isNotFound(error)) throw error;
      const owner = node && {
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid! }],
      };
      const object = {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace: leaseNamespace, ...owner },
        spec,
      } as Lease;
      lease = await client.create(leases, object, { namespace: leaseNamespace, fieldManager: "kubelet" });
    }
  }

  let markRegistered: () => void;
  const registered = new Promise<void>((resolve) => {
    markRegistered = resolve;
  });

  async function keep(what: string, work: () => Promise<void>, everyMs: () => number): Promise<void> {
    while (!signal.aborted) {
      let wait = everyMs();
      try {
        await work();
        wait = everyMs();
      } catch (error) {
        log(`${what} failed, trying again`, { error: (error as Error).message });
        wait = Math.min(wait, 1000);
        if (!node) wait = retryMs;
      }
      await pause(wait, signal);
    }
  }

  events.record(
    { apiVersion: "v1", kind: "Node", name, uid: name },
    { type: "Normal", reason: "Starting", message: "Starting kubelet." },
  );
  const reporting = keep(
    "node status",
    async () => {
      await report();
      markRegistered();
    },
    // Until it is ready the node is looked at closely: a cluster that starts waits for it.
    () => (wasReady ? leaseMs : retryMs),
  );
  const renewing = registered.then(() => keep("node lease", renew, () => leaseMs));
  return { registered, done: Promise.all([reporting, renewing]).then(() => undefined) };
}
