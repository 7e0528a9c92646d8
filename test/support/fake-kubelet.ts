// Stands in for the nodes' kubelets where a test has no containers: pods bound to a node run and are ready after a moment,
// deleted ones go after another.
import type { KubeClient } from "../../src/control/client/mod.ts";
import { createInformers } from "../../src/control/client/mod.ts";
import { nodes as nodesRef, pods as podsRef } from "../../src/core/api/refs.ts";
import type { Pod } from "../../src/core/api/types.ts";

export interface FakeKubelets {
  /** Images whose containers never become ready. */
  broken: Set<string>;
  stop(): Promise<void>;
}

const time = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

/** Registers the nodes and plays their kubelets. */
export async function startFakeKubelets(client: KubeClient, names: readonly string[]): Promise<FakeKubelets> {
  const stop = new AbortController();
  const broken = new Set<string>();
  for (const [i, name] of names.entries()) {
    await client.create(nodesRef, { metadata: { name, labels: { "kubernetes.io/hostname": name } } });
    const status = {
      capacity: { cpu: "4", memory: "8Gi", pods: "110" },
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      addresses: [{ type: "InternalIP", address: `172.30.0.${i + 2}` }],
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "KubeletReady",
          message: "",
          lastHeartbeatTime: time(),
          lastTransitionTime: time(),
        },
      ],
    };
    await client.patch(nodesRef, name, { status }, { type: "merge", subresource: "status" });
  }
  const informers = createInformers(client);
  let next = 1;
  const quiet = (): void => {};
  function run(pod: Pod): void {
    const { name, namespace, uid } = pod.metadata;
    if (!names.includes(pod.spec?.nodeName ?? "")) return;
    if (pod.metadata.deletionTimestamp) {
      client
        .delete(podsRef, name!, { namespace, gracePeriodSeconds: 0, preconditions: { uid: uid! } })
        .catch(quiet);
      return;
    }
    if (pod.status?.phase === "Running") return;
    const ready = pod.spec!.containers.every((c) => !broken.has(c.image!));
    const ip = `10.244.${next >> 8}.${next++ & 255}`;
    const status = {
      phase: "Running",
      podIP: ip,
      podIPs: [{ ip }],
      startTime: time(),
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: time() }],
      containerStatuses: pod.spec!.containers.map((c) => ({
        name: c.name,
        image: c.image,
        imageID: "",
        ready,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: time() } },
      })),
    };
    client
      .patch(
        podsRef,
        name!,
        { metadata: { uid }, status },
        { namespace, type: "strategic", subresource: "status" },
      )
      .catch(quiet);
  }
  informers.of(podsRef).on({ added: run, updated: run });
  const running = informers.run(stop.signal);
  await informers.synced();
  return {
    broken,
    async stop() {
      stop.abort();
      await running;
    },
  };
}
