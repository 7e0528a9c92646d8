// Pods against the floor that the container runtime sets: the same sandbox, container and start asked of the same containerd
// by bare CRI calls in the same run, with the same image, command and network plugin; one after another, and many at once.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { containerConfig } from "../../src/agents/kubelet/runtime/container-config.ts";
import { sandboxConfig } from "../../src/agents/kubelet/runtime/sandbox-config.ts";
import { pods } from "../../src/core/api/refs.ts";
import type { Pod } from "../../src/core/api/types.ts";
import { type ContainerdRuntime, createContainerdRuntime } from "../../src/edge/cri/mod.ts";
import { startCluster } from "../support/cluster.ts";
import { type ClusterClient, clientOf } from "./cluster-client.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";

const rounds = 25;
const atOnce = 50;
const image = "docker.io/library/busybox:latest";

const podNamed = (name: string): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: "bench" } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image: "busybox", command: ["sleep", "3600"] }],
    },
  }) as Pod;

interface BarePods {
  /** Sandbox, container and start of one pod. */
  start(name: string): Promise<string>;
  remove(sandboxId: string): Promise<void>;
}

function barePods(runtime: ContainerdRuntime, stateDir: string): BarePods {
  const podLogDir = join(stateDir, "bare-logs");
  return {
    async start(name) {
      const pod = podNamed(name);
      pod.metadata.uid = randomUUID();
      const sandbox = sandboxConfig(pod, 0, {
        podLogDir,
        cgroupRoot: "/portolan-bench-pods/node-1",
        domain: "cluster.local",
        dns: { servers: ["10.96.0.10"], searches: [], options: [] },
      });
      const container = containerConfig(pod, pod.spec!.containers[0]!, {
        attempt: 0,
        environment: { variables: new Map(), skipped: [] },
        mounts: [],
        image: undefined,
        imageRef: image,
        memoryCapacity: 2 ** 34,
        terminationLog: "",
      });
      const id = await runtime.runSandbox(sandbox);
      await runtime.startContainer(await runtime.createContainer(id, container, sandbox));
      return id;
    },
    async remove(id) {
      await runtime.stopSandbox(id);
      await runtime.removeSandbox(id);
    },
  };
}

/** Starts the pods; resolves with the milliseconds from the first request until each is told to run. */
async function runPods(client: ClusterClient, names: readonly string[]): Promise<number[]> {
  const stop = new AbortController();
  const { resourceVersion } = (await client.list(pods, { namespace: "default", limit: 1 })).metadata;
  const watch = client.watch(pods, { namespace: "default", resourceVersion, signal: stop.signal });
  const left = new Set(names);
  const times: number[] = [];
  const began = performance.now();
  const seen = (async () => {
    for await (const { type, object } of watch) {
      if (type === "DELETED" || object.status?.phase !== "Running") continue;
      if (left.delete(object.metadata.name!)) times.push(performance.now() - began);
      if (left.size === 0) return;
    }
  })();
  await Promise.all(names.map((n) => client.create(pods, podNamed(n), { namespace: "default" })));
  const timer = setTimeout(() => stop.abort(), 120_000);
  await seen;
  clearTimeout(timer);
  stop.abort();
  if (left.size > 0) throw new Error(`${left.size} of ${names.length} pods did not run within 120 s`);
  return times;
}

async function removePods(client: ClusterClient, names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map((n) => client.delete(pods, n, { namespace: "default", gracePeriodSeconds: 0 })),
  );
  await client.until("the pods to go", 60_000, async () => {
    const { items } = await client.list(pods, { namespace: "default" });
    return items.length === 0;
  });
}

const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

/** Sandboxes of deleted pods may still be on their way out. */
async function quiet(runtime: ContainerdRuntime): Promise<void> {
  const end = performance.now() + 60_000;
  while ((await runtime.listSandboxes()).length > 0 && performance.now() < end)
    await new Promise((r) => setTimeout(r, 50));
}

export const podsBench: Bench = {
  name: "pods",
  async run() {
    const figures: Figure[] = [];
    const cluster = await startCluster("bench-pods");
    const state = cluster.env.PORTOLAN_STATE_DIR!;
    const runtime = createContainerdRuntime(
      join(cluster.env.PORTOLAN_RUN_DIR!, "bench-pods/node-1/containerd.sock"),
    );
    const client = clientOf(cluster);
    try {
      const bare = barePods(runtime, state);
      await client.defaultServiceAccount();
      const ours: number[] = [];
      const floor: number[] = [];
      // The first of each warms up.
      for (let i = 0; i <= rounds; i++) {
        const start = performance.now();
        const id = await bare.start(`bare-${i}`);
        const bareMs = performance.now() - start;
        await bare.remove(id);
        const [podMs] = await runPods(client, [`one-${i}`]);
        await removePods(client, [`one-${i}`]);
        await quiet(runtime);
        if (i === 0) continue;
        floor.push(bareMs);
        ours.push(podMs!);
      }
      const [value, against] = [quantile(ours, 0.5), quantile(floor, 0.5)];
      figures.push({
        what: "pod: create to Running on the watch, p50",
        value,
        unit: "ms",
        against: { what: "bare CRI calls", value: against },
        goal: "≤ 1.5 x",
        met: value / against <= 1.5,
      });
      const many: { ours: number; floor: number }[] = [];
      for (let i = 0; i < 3; i++) {
        const start = performance.now();
        const ids = await Promise.all(named(`bare-${i}`, atOnce).map(bare.start));
        const bareMs = performance.now() - start;
        await Promise.all(ids.map(bare.remove));
        await quiet(runtime);
        const names = named(`many-${i}`, atOnce);
        const times = await runPods(client, names);
        await removePods(client, names);
        await quiet(runtime);
        many.push({ ours: Math.max(...times), floor: bareMs });
      }
      many.sort((a, b) => a.ours / a.floor - b.ours / b.floor);
      const middle = many[1]!;
      figures.push({
        what: `${atOnce} pods at once, until the last runs`,
        value: middle.ours,
        unit: "ms",
        against: { what: `${atOnce} by bare CRI calls`, value: middle.floor },
        goal: "≤ 1.5 x",
        met: middle.ours / middle.floor <= 1.5,
      });
    } finally {
      client.close();
      runtime.close();
      await cluster.down();
    }
    return figures;
  },
};
