// The whole kubelet beside the real API server and over a runtime in memory, and short ways to ask for its pods.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { startKubelet } from "../../src/agents/kubelet/kubelet.ts";
import { createKubeletMetrics } from "../../src/agents/kubelet/metrics.ts";
import type { KubeClient } from "../../src/control/client/mod.ts";
import { events, namespaces, pods, serviceAccounts } from "../../src/core/api/refs.ts";
import { isNotFound } from "../../src/core/api/status.ts";
import type { ContainerStatus, KubeObject, Pod } from "../../src/core/api/types.ts";
import { startApiRig } from "./api-rig.ts";
import { testCluster } from "./api-server.ts";
import { eventually } from "./eventually.ts";
import { createMemoryFiles, createMemoryImageMounts, createMemoryRuntime } from "./memory-runtime.ts";

export const namespace = "default";
export const at = { namespace };

export async function workerRig(t: TestContext) {
  // Before the rig's own ending: it would otherwise wait for a kubelet that still writes.
  const stops: (() => Promise<void>)[] = [];
  let skew = 0;
  const now = (): number => Date.now() + skew;
  const { client } = await startApiRig(t, [], {
    async prepare(c) {
      await c.create(namespaces, { metadata: { name: "kube-node-lease" } });
      await c.create(serviceAccounts, { metadata: { name: "default" } }, at);
    },
  });
  t.after(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  const runtime = createMemoryRuntime(now);
  const files = createMemoryFiles();
  let tcp: (port: number) => Promise<void> = async () => {};
  const refuse = async (): Promise<never> => {
    throw new Error("connection refused");
  };

  async function startNode(): Promise<() => Promise<void>> {
    const end = new AbortController();
    const kubelet = startKubelet(
      {
        client,
        runtime,
        metrics: createKubeletMetrics({ nodeName: "n1", host: "api:6443" }),
        imageMounts: createMemoryImageMounts(files),
        files,
        probes: {
          http: refuse,
          grpc: refuse,
          tcp: (_host, port) => tcp(port),
          reachable: async () => false,
        },
        machine: {
          cpus: 2,
          memoryBytes: 4e9,
          storageBytes: 4e10,
          machineID: "m",
          systemUUID: "s",
          bootID: "b",
          kernelVersion: "6",
          osImage: "os",
          architecture: "amd64",
        },
        room: () => ({
          availableMemoryBytes: 2e9,
          availableStorageBytes: 2e10,
          availableInodes: 1e6,
          availablePids: 1e5,
        }),
        nodeName: "n1",
        addresses: ["172.30.0.2"],
        podCIDRs: ["10.244.0.0/24"],
        labels: {},
        cluster: testCluster,
        kubeletPort: 10250,
        rootDir: "/root",
        podLogDir: "/logs",
        cgroupRoot: "/cg",
        storageIntervalMs: 20,
        now,
        log() {},
      },
      end.signal,
    );
    await kubelet.registered;
    const stop = async (): Promise<void> => {
      end.abort();
      await kubelet.done;
    };
    stops.push(stop);
    return stop;
  }

  return {
    client,
    runtime,
    files,
    startNode,
    /** Time passes, and the pod's loop notices. */
    async pass(ms: number, name: string): Promise<void> {
      skew += ms;
      const nudge = { metadata: { annotations: { nudge: String(skew) } } };
      await client.patch(pods, name, nudge, { ...at, type: "merge" });
    },
    onTcp: (answer: typeof tcp): void => {
      tcp = answer;
    },
  };
}

export const podOf = (name: string, spec: object = {}, container: object = {}): KubeObject =>
  ({
    metadata: { name },
    spec: {
      nodeName: "n1",
      automountServiceAccountToken: false,
      containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", ...container }],
      ...spec,
    },
  }) as KubeObject;

export const get = (client: KubeClient, name: string): Promise<Pod> => client.get(pods, name, at);

/** Waits until the first container's status is so; gives the pod. */
export const until = (
  client: KubeClient,
  name: string,
  holds: (c: ContainerStatus, pod: Pod) => void,
): Promise<Pod> =>
  eventually(async () => {
    const pod = await get(client, name);
    const [status] = pod.status?.containerStatuses ?? [];
    assert.ok(status, "no status yet");
    holds(status, pod);
    return pod;
  });

export const runs =
  (attempt: number) =>
  (c: ContainerStatus): void => {
    assert.ok(c.state?.running, JSON.stringify(c.state));
    assert.equal(c.restartCount, attempt);
  };

export const isGone = (client: KubeClient, name: string): Promise<unknown> =>
  eventually(() => assert.rejects(get(client, name), (error) => isNotFound(error)));

export async function reasons(client: KubeClient, name: string): Promise<string[]> {
  const list = await client.list(events, at);
  return list.items.filter((e) => e.involvedObject.name === name).map((e) => e.reason!);
}
