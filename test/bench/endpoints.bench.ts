// From an endpoint being ready, as the API has acknowledged it, to the node's kernel forwarding to it: real connections to
// the Service's address from the node's network namespace, one after the other, until one is accepted.
import { type ChildProcess, fork } from "node:child_process";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { netnsName } from "../../src/app/cluster/paths.ts";
import { endpointSlices, pods, services } from "../../src/core/api/refs.ts";
import type { EndpointSlice, Pod, Service } from "../../src/core/api/types.ts";
import { startCluster } from "../support/cluster.ts";
import { type ClusterClient, clientOf } from "./cluster-client.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";

const rounds = { slice: 200, pod: 100 };
const name = "bench-endpoints";
const namespace = "default";
const nanoseconds = (): bigint => process.hrtime.bigint();
const msBetween = (from: bigint, to: bigint): number => Math.max(0, Number(to - from) / 1e6);

/** A process in the node's network namespace that connects again and again. */
interface Knocker {
  /** The moment (on the machine's monotonic clock) from which connections are accepted, or refused. */
  wait(host: string, port: number, until: "accepted" | "refused"): Promise<bigint>;
  close(): void;
}

function startKnocker(netns: string): Knocker {
  const child: ChildProcess = fork(new URL("./knock.js", import.meta.url), [], {
    execPath: "nsenter",
    execArgv: [`--net=/run/netns/${netns}`, "--", process.execPath],
  });
  return {
    wait(host, port, until) {
      return new Promise((resolve, reject) => {
        child.once("message", (at) =>
          at === null ? reject(new Error(`not ${until}`)) : resolve(BigInt(at as string)),
        );
        child.send({ host, port, until });
      });
    },
    close: () => void child.kill("SIGKILL"),
  };
}

const service = (of: string, port: number, selector?: Record<string, string>): Service =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: of, namespace },
    spec: { ports: [{ port: 80, targetPort: port }], ...(selector ? { selector } : {}) },
  }) as Service;

/** An EndpointSlice that a client writes itself: the write's answer to the first accepted connection. */
async function bySlice(client: ClusterClient, knocker: Knocker): Promise<number[]> {
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, client.plan.gateway, resolve));
  const { port } = server.address() as { port: number };
  try {
    const made = await client.create<Service>(services, service("by-slice", port), { namespace });
    const host = made.spec!.clusterIP!;
    const ready = (yes: boolean) => [{ addresses: [client.plan.gateway], conditions: { ready: yes } }];
    await client.create(
      endpointSlices,
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "by-slice-1", namespace, labels: { "kubernetes.io/service-name": "by-slice" } },
        addressType: "IPv4",
        ports: [{ name: "", port, protocol: "TCP" }],
        endpoints: ready(false),
      } as EndpointSlice,
      { namespace },
    );
    const set = (yes: boolean): Promise<unknown> =>
      client.patch(endpointSlices, "by-slice-1", { endpoints: ready(yes) }, { namespace, type: "merge" });
    const times: number[] = [];
    for (let i = 0; i <= rounds.slice; i++) {
      await knocker.wait(host, 80, "refused");
      await sleep(Math.random() * 20);
      const accepted = knocker.wait(host, 80, "accepted");
      await set(true);
      const acknowledged = nanoseconds();
      const time = msBetween(acknowledged, await accepted);
      if (i > 0) times.push(time);
      await set(false);
    }
    return times;
  } finally {
    server.close();
  }
}

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
    for (let i = 0; i <= rounds.pod; i++) {
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
      const figures: Figure[] = [];
      for (const [what, times] of [
        ["EndpointSlice written", await bySlice(client, knocker)],
        ["pod Ready on the watch", await byPod(client, knocker)],
      ] as const) {
        const value = quantile(times, 0.99);
        figures.push(
          { what: `${what}, until the kernel forwards, p50`, value: quantile(times, 0.5), unit: "ms" },
          {
            what: `${what}, until the kernel forwards, p99`,
            value,
            unit: "ms",
            goal: "≤ 30",
            met: value <= 30,
          },
        );
      }
      return figures;
    } finally {
      knocker.close();
      client.close();
      await cluster.down();
    }
  },
};
