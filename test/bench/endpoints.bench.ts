// From a pod being Ready, as a watch tells it, to the node's kernel forwarding to it: real connections to the Service's
// address from the node's network namespace, one after the other, until one is accepted.
import { setTimeout as sleep } from "node:timers/promises";
import { netnsName } from "../../src/app/cluster/paths.ts";
import { pods, services } from "../../src/core/api/refs.ts";
import type { Pod, Service } from "../../src/core/api/types.ts";
import { startCluster } from "../support/cluster.ts";
import { type ClusterClient, clientOf } from "./cluster-client.ts";
import { type Bench, quantile } from "./figure.ts";
import { type Knocker, msBetween, nanoseconds, startKnocker } from "./knocker.ts";

const rounds = 100;
const name = "bench-endpoints";
const namespace = "default";

const service = (of: string, port: number, selector?: Record<string, string>): Service =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: of, namespace },
    spec: { ports: [{ port: 80, targetPort: port }], ...(selector ? { selector } : {}) },
  }) as Service;

/** A real pod with a readiness gate: from the watch's word that the pod is Ready, through the endpoint controller. */
async function byPod(client: ClusterClient, knocker: Knocker): Promise<number[]> {
  const gate = "bench.portolan.dev/on";
  await client.create(
    pods,
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "by-pod", namespace, labels: { app: "by-pod" } },
      spec: {
        terminationGracePeriodSeconds: 0,
        readinessGates: [{ conditionType: gate }],
        containers: [{ name: "web", image: "nginx" }],
      },
    } as unknown as Pod,
    { namespace },
  );
  const made = await client.create<Service>(services, service("by-pod", 80, { app: "by-pod" }), {
    namespace,
  });
  const host = made.spec!.clusterIP!;
  await client.until("the pod to run", 60_000, async () => {
    const pod = await client.get<Pod>(pods, "by-pod", { namespace });
    return pod.status?.conditions?.some((c) => c.type === "ContainersReady" && c.status === "True") ?? false;
  });
  const stop = new AbortController();
  let told: (at: bigint) => void = () => {};
  const watching = (async () => {
    const { resourceVersion } = (await client.list(pods, { namespace })).metadata;
    for await (const { object } of client.watch<Pod>(pods, {
      namespace,
      resourceVersion,
      signal: stop.signal,
    }))
      if (object.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"))
        told(nanoseconds());
  })();
  const times: number[] = [];
  try {
    const set = (status: "True" | "False"): Promise<unknown> =>
      client.patch(
        pods,
        "by-pod",
        { status: { conditions: [{ type: gate, status }] } },
        { namespace, subresource: "status", type: "strategic" },
      );
    for (let i = 0; i <= rounds; i++) {
      await knocker.wait(host, 80, "refused");
      await sleep(Math.random() * 20);
      const accepted = knocker.wait(host, 80, "accepted");
      const ready = new Promise<bigint>((resolve) => {
        told = resolve;
      });
      await set("True");
      const time = msBetween(await ready, await accepted);
      if (i > 0) times.push(time);
      await set("False");
    }
  } finally {
    stop.abort();
    await watching.catch(() => undefined);
  }
  return times;
}

export const endpoints: Bench = {
  name: "endpoints",
  async run() {
    const cluster = await startCluster(name);
    const client = clientOf(cluster);
    const knocker = startKnocker(netnsName(name, "node-1"));
    try {
      await client.defaultServiceAccount();
      const times = await byPod(client, knocker);
      const what = "pod Ready on the watch, until the kernel forwards";
      const p99 = quantile(times, 0.99);
      return [
        { what: `${what}, p50`, value: quantile(times, 0.5), unit: "ms" },
        { what: `${what}, p99`, value: p99, unit: "ms", goal: "≤ 30", met: p99 <= 30 },
      ];
    } finally {
      knocker.close();
      client.close();
      await cluster.down();
    }
  },
};
