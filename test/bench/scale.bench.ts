// A whole cluster as it grows: one endpoint and one Service changed, from the write's acknowledgement to the kernel's table,
// with a hundred, a thousand, ten thousand and 44,000 Services there; and at the bigger sizes to DNS' answer, a node process
// that starts anew beside its tables, and tables that somebody takes away.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { netnsName } from "../../src/app/cluster/paths.ts";
import { pkiFiles } from "../../src/app/cluster/pki.ts";
import { findProcesses, signalProcess } from "../../src/app/cluster/processes.ts";
import { endpointSlices, services } from "../../src/core/api/refs.ts";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import { run } from "../../src/edge/command/mod.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { type Asker, startAsker } from "./asker.ts";
import { type ClusterClient, clientOf } from "./cluster-client.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { type Knocker, msBetween, nanoseconds, startKnocker } from "./knocker.ts";
import { load } from "./load.ts";

const sizes = [100, 1000, 10_000, 44_000];
const rounds = 120;
/** From this size on DNS is asked, a node process is started anew and its tables are taken away. */
const bigSize = 10_000;
const name = "bench-scale";
const namespace = "default";

interface Rig {
  cluster: TestCluster;
  client: ClusterClient;
  knocker: Knocker;
  asker: Asker;
  netns: string;
  /** ClusterIPs of the two Services that change. */
  host: { slice: string; service: string };
}

const sliceOf = (service: string, address: string, port: number, ready: boolean): EndpointSlice =>
  ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${service}-1`, namespace, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ name: "", port, protocol: "TCP" }],
    endpoints: [{ addresses: [address], conditions: { ready } }],
  }) as EndpointSlice;

const serviceOf = (service: string, targetPort: number): Service =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: service, namespace },
    spec: { ports: [{ port: 80, targetPort }] },
  }) as Service;

/** Services `from` to `to`, each with one endpoint, written through the API by a client of its own process. */
async function fill({ cluster, client }: Rig, from: number, to: number): Promise<void> {
  const { caCert, admin } = pkiFiles(join(cluster.env.PORTOLAN_STATE_DIR!, "clusters", name, "pki"));
  const [ca, cert, key] = [caCert, admin.cert, admin.key].map((f) => readFileSync(f, "utf8"));
  const options = {
    port: client.plan.cluster.apiServer.port,
    ca: ca!,
    cert: cert!,
    key: key!,
    connections: 32,
    requests: to - from,
    from,
    method: "POST",
  };
  for (const { path, body } of [
    { path: `/api/v1/namespaces/${namespace}/services`, body: serviceOf("s%", 8080) },
    {
      path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      body: sliceOf("s%", "10.@", 8080, true),
    },
  ]) {
    const { refused } = await load({ ...options, path, body: JSON.stringify(body) });
    if (refused > 0) throw new Error(`${refused} of ${to - from} writes to ${path} were refused`);
  }
}

/** Waits until the controllers have nothing left to say of what was written: the conditions of new Services take their time. */
async function atRest({ cluster }: Rig): Promise<void> {
  const end = performance.now() + 300_000;
  for (let quiet = 0; quiet < 3; ) {
    if (performance.now() > end) throw new Error("the controllers' queues are not empty within 5 min");
    await sleep(500);
    const page = await cluster.ok("get", "--raw", "/metrics");
    const waiting = [...page.matchAll(/^workqueue_(?:depth|unfinished_work_seconds)\{.*\} (\S+)$/gm)];
    quiet = waiting.length > 0 && waiting.every((m) => Number(m[1]) === 0) ? quiet + 1 : 0;
  }
}

/** From the answer to a write that makes an endpoint ready to the first connection that is accepted. */
async function oneEndpoint({ client, knocker, host }: Rig): Promise<number> {
  const set = (ready: boolean): Promise<unknown> =>
    client.patch(
      endpointSlices,
      "by-slice-1",
      { endpoints: [{ addresses: [client.plan.gateway], conditions: { ready } }] },
      { namespace, type: "merge" },
    );
  await set(false);
  await knocker.wait(host.slice, 80, "refused");
  await sleep(Math.random() * 20);
  const accepted = knocker.wait(host.slice, 80, "accepted");
  await set(true);
  return msBetween(nanoseconds(), await accepted);
}

/** The same for a write that gives a Service another port. */
async function oneService({ client, knocker, host }: Rig): Promise<number> {
  const set = (port: number): Promise<unknown> =>
    client.patch(
      services,
      "by-service",
      [{ op: "replace", path: "/spec/ports/0/port", value: port }] as unknown as object,
      { namespace, type: "json" },
    );
  await set(80);
  await knocker.wait(host.service, 81, "refused");
  await sleep(Math.random() * 20);
  const accepted = knocker.wait(host.service, 81, "accepted");
  await set(81);
  return msBetween(nanoseconds(), await accepted);
}

const inside = (netns: string, command: string, ...args: string[]): [string, string[]] => [
  "nsenter",
  [`--net=/run/netns/${netns}`, "--", command, ...args],
];

/** From the answer to a write that gives a headless Service another endpoint to the first answer of DNS that says so. */
async function oneRecord({ client, asker }: Rig, round: number): Promise<number> {
  const address = `10.244.255.${1 + (round % 200)}`;
  const right = asker.wait(`by-name.${namespace}.svc.${client.plan.cluster.domain}`, address);
  await client.patch(
    endpointSlices,
    "by-name-1",
    { endpoints: [{ addresses: [address], conditions: { ready: true } }] },
    { namespace, type: "merge" },
  );
  return msBetween(nanoseconds(), await right);
}

/** What changes in the kernel's tables while the work is done: lines of `nft monitor`. */
async function changesDuring(netns: string, work: () => Promise<void>): Promise<string[]> {
  const child = spawn(...inside(netns, "nft", "monitor"), { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (d: string) => {
    output += d;
  });
  try {
    // It reads the tables before it listens, and begins anew when they change meanwhile: the bench makes a change of its own
    // and waits, longer each time.
    const marks = (): number => output.split("add table ip bench-mark").length - 1;
    const mark = async (): Promise<void> => {
      await run(...inside(netns, "nft", "add table ip bench-mark; delete table ip bench-mark"));
      await sleep(200);
    };
    for (let pause = 500; marks() === 0 && pause < 20_000; pause *= 2) {
      await sleep(pause);
      await mark();
    }
    const before = marks();
    if (before === 0) throw new Error("nft monitor tells nothing");
    await work();
    await mark();
    if (marks() !== before + 1) throw new Error("nft monitor has ceased to tell");
  } finally {
    child.kill("SIGKILL");
  }
  // DNS keeps a little table of its own, which it loads anew at each start.
  return output
    .split("\n")
    .filter((l) => / portolan-/.test(l) && !new RegExp(` portolan-${name}-dns\\b`).test(l));
}

/** A node process is ended; the next one is there when its proxy has what it wants in the kernel. */
async function restart({ client, netns }: Rig): Promise<{ ms: number; changes: string[] }> {
  const nodePid = (): number | undefined => findProcesses(name).find((p) => p.role === "node-1/node")?.pid;
  const health = `http://${client.plan.nodes[0]!.address}:10256/healthz`;
  let ms = 0;
  const changes = await changesDuring(netns, async () => {
    const before = nodePid()!;
    signalProcess(before, "SIGTERM");
    await client.until("the next node process", 20_000, async () => ![undefined, before].includes(nodePid()));
    const began = performance.now();
    await client.until("its proxy", 60_000, async () =>
      fetch(health, { signal: AbortSignal.timeout(1000) }).then(
        (r) => r.ok,
        () => false,
      ),
    );
    ms = performance.now() - began;
  });
  return { ms, changes };
}

/** Somebody deletes the table: until connections are accepted again. */
async function tamper({ knocker, netns, host }: Rig): Promise<number> {
  await run(...inside(netns, "nft", `delete table ip portolan-${name}`));
  const gone = nanoseconds();
  return msBetween(gone, await knocker.wait(host.slice, 80, "accepted"));
}

async function atSize(rig: Rig, size: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  const times = { endpoint: [] as number[], service: [] as number[] };
  for (let i = 0; i <= rounds; i++) {
    const [endpoint, service] = [await oneEndpoint(rig), await oneService(rig)];
    if (i === 0) continue;
    times.endpoint.push(endpoint);
    times.service.push(service);
  }
  for (const [what, list] of [
    ["endpoint", times.endpoint],
    ["Service", times.service],
  ] as const)
    for (const [title, q, most] of [
      ["p50", 0.5, 10],
      ["p99", 0.99, 30],
    ] as const) {
      const value = quantile(list, q);
      figures.push({
        what: `one ${what} changed, ${size} Services, ${title}`,
        value,
        unit: "ms",
        goal: `≤ ${most}`,
        met: value <= most,
      });
    }
  if (size < bigSize) return figures;
  const records: number[] = [];
  for (let i = 0; i < rounds; i++) records.push(await oneRecord(rig, i));
  const slowest = Math.max(...records);
  const { ms, changes } = await restart(rig);
  const repaired = await tamper(rig);
  figures.push(
    {
      what: `DNS record changed, ${size} Services, slowest of ${rounds}`,
      value: slowest,
      unit: "ms",
      goal: "≤ 50",
      met: slowest <= 50,
    },
    { what: `node process started anew, ${size} Services, until it is in step`, value: ms, unit: "ms" },
    {
      what: "  what it changed in the kernel's tables",
      value: changes.length,
      unit: "changes",
      goal: "0",
      met: changes.length === 0,
    },
    {
      what: `service table deleted, ${size} Services, until it is there again`,
      value: repaired,
      unit: "ms",
      goal: "≤ 5000",
      met: repaired <= 5000,
    },
  );
  if (changes.length > 0) console.error(changes.slice(0, 5).join("\n"));
  return figures;
}

export const scale: Bench = {
  name: "scale",
  async run() {
    const cluster = await startCluster(name);
    const client = clientOf(cluster);
    const netns = netnsName(name, "node-1");
    const knocker = startKnocker(netns);
    let asker: Asker | undefined;
    const server: Server = createServer((socket) => socket.destroy());
    try {
      await new Promise<void>((resolve) => server.listen(0, client.plan.gateway, resolve));
      const { port } = server.address() as { port: number };
      const hosts: string[] = [];
      for (const of of ["by-slice", "by-service"]) {
        const made = await client.create<Service>(services, serviceOf(of, port), { namespace });
        hosts.push(made.spec!.clusterIP!);
        await client.create(endpointSlices, sliceOf(of, client.plan.gateway, port, true), { namespace });
      }
      await client.create(
        services,
        { ...serviceOf("by-name", port), spec: { clusterIP: "None", ports: [{ port: 80 }] } } as Service,
        { namespace },
      );
      await client.create(endpointSlices, sliceOf("by-name", "10.244.255.255", port, true), { namespace });
      asker = await startAsker(client.plan.cluster.dnsAddress);
      const rig: Rig = {
        cluster,
        client,
        knocker,
        asker,
        netns,
        host: { slice: hosts[0]!, service: hosts[1]! },
      };
      const figures: Figure[] = [];
      let there = 3;
      for (const size of sizes) {
        await fill(rig, there, size);
        there = size;
        await knocker.wait(rig.host.slice, 80, "accepted");
        await atRest(rig);
        figures.push(...(await atSize(rig, size)));
      }
      return figures;
    } finally {
      server.close();
      knocker.close();
      asker?.close();
      client.close();
      await cluster.down();
    }
  },
};
