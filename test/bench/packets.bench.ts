// What a Service costs its packets: the first of a connection with ten thousand Services beside ten, and the stream of a
// connection through a ClusterIP beside one straight to the pod. Pods are network namespaces, the tables are the product's.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import { createServicePlan, type NodeFacts, resolveService } from "../../src/core/network/mod.ts";
import { printTable } from "../../src/core/nft/mod.ts";
import { run } from "../../src/edge/command/mod.ts";
import { createNftTables } from "../../src/edge/nft/mod.ts";
import { inPlace, nodeAddress, openLab, type Place, podCIDR } from "../kernel/lab.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import type { Ask } from "./first-packet.ts";

const sizes = [10, 10_000] as const;
const targetPort = 8080;
const streamPort = 5201;
/** Connections of one turn, and turns of each kind; the first turns warm up. */
const turn = { connections: 100, rounds: 60, warm: 5 };
const stream = { seconds: 1, rounds: 11 };

const clusterIP = (i: number): string => `10.96.${(i + 256) >> 8}.${i & 255}`;

/** Every Service has both endpoints on two ports: one for connections, one for the stream. */
async function program(node: number, at: Place, count: number, endpoints: string[]): Promise<void> {
  const facts: NodeFacts = {
    family: "ip",
    nodeName: `n${node}`,
    zone: "",
    nodeAddresses: [nodeAddress(node)],
    podRanges: [podCIDR(node)],
    serviceRanges: ["10.96.0.0/16"],
    localAddresses: [],
  };
  const ports = [
    { name: "connect", port: targetPort, protocol: "TCP" },
    { name: "stream", port: streamPort, protocol: "TCP" },
  ];
  const plan = createServicePlan(facts, "portolan-bench");
  for (let i = 0; i < count; i++) {
    const service = {
      metadata: { namespace: "default", name: `s${i}` },
      spec: { type: "ClusterIP", clusterIP: clusterIP(i), ports },
    } as Service;
    const slice = {
      metadata: { namespace: "default", name: `s${i}-1` },
      addressType: "IPv4",
      ports,
      endpoints: endpoints.map((a) => ({
        addresses: [a],
        conditions: { ready: true },
        nodeName: `n${node}`,
      })),
    } as EndpointSlice;
    plan.set(`default/s${i}`, resolveService(service, [slice], facts));
  }
  plan.take();
  const nft = createNftTables({ prefix: inPlace(at) });
  await nft.apply(printTable(plan.table()));
  nft.close();
}

interface Dialler {
  connect(hosts: string[]): Promise<number[]>;
  close(): void;
}

function startDialler(from: Place): Dialler {
  const [execPath = "", ...execArgv] = [...inPlace(from), process.execPath];
  const child: ChildProcess = fork(new URL("./first-packet.js", import.meta.url), [], { execPath, execArgv });
  return {
    connect: (hosts) =>
      new Promise((resolve, reject) => {
        child.once("message", (m: { times?: number[]; error?: string }) =>
          m.times ? resolve(m.times) : reject(new Error(m.error)),
        );
        child.send({ hosts, port: targetPort } satisfies Ask);
      }),
    close: () => void child.kill("SIGKILL"),
  };
}

async function firstPackets(from: readonly [Place, Place], pod: string): Promise<Figure[]> {
  const diallers = from.map(startDialler);
  try {
    const times = { direct: [] as number[], few: [] as number[], many: [] as number[] };
    for (let round = 0; round < turn.rounds + turn.warm; round++) {
      const hosts = (of: (n: number) => string): string[] =>
        Array.from({ length: turn.connections }, (_, n) => of(round * turn.connections + n));
      // In another order each time: what one turn leaves behind falls on each of the others.
      const turns = [
        async () => ["few", await diallers[0]!.connect(hosts((n) => clusterIP(n % sizes[0])))] as const,
        async () =>
          ["many", await diallers[1]!.connect(hosts((n) => clusterIP((n * 7919) % sizes[1])))] as const,
        async () => ["direct", await diallers[1]!.connect(hosts(() => pod))] as const,
      ];
      for (let i = 0; i < turns.length; i++) {
        const [kind, list] = await turns[(i + round) % turns.length]!();
        if (round >= turn.warm) times[kind].push(...list);
      }
    }
    return (["p50", "p99"] as const).map((title) => {
      const q = title === "p50" ? 0.5 : 0.99;
      const [few, many] = [quantile(times.few, q), quantile(times.many, q)];
      return {
        what: `first packet, ${sizes[1]} Services, ${title} (direct: ${quantile(times.direct, q).toFixed(3)} ms)`,
        value: many,
        unit: "ms",
        against: { what: `with ${sizes[0]} Services`, value: few },
        goal: "≤ 1.1 x",
        met: many / few <= 1.1,
      };
    });
  } finally {
    for (const d of diallers) d.close();
  }
}

/** Bits a second, as the receiving end counts them. */
async function iperf(from: Place, host: string): Promise<number> {
  const [file = "", ...args] = [
    ...inPlace(from),
    ...["iperf3", "-J", "-c", host, "-p", `${streamPort}`, "-t", `${stream.seconds}`, "-O", "0.2"],
  ];
  // A server that has just been used may need a moment.
  for (let attempt = 0; ; attempt++)
    try {
      const out = JSON.parse(await run(file, args, { timeoutMs: 30_000 })) as {
        end: { sum_received: { bits_per_second: number } };
      };
      return out.end.sum_received.bits_per_second;
    } catch (error) {
      if (attempt === 5) throw error;
      await sleep(100);
    }
}

async function throughput(from: Place, to: Place): Promise<Figure[]> {
  if (!existsSync("/usr/bin/iperf3")) {
    console.log("  no throughput: iperf3 is not installed");
    return [];
  }
  const [file = "", ...args] = [...inPlace(to), "iperf3", "-s", "-p", `${streamPort}`];
  const server = spawn(file, args, { stdio: "ignore" });
  try {
    await sleep(300);
    const rates = { direct: [] as number[], service: [] as number[] };
    for (let round = 0; round <= stream.rounds; round++) {
      for (const kind of round % 2 === 0
        ? (["direct", "service"] as const)
        : (["service", "direct"] as const)) {
        const value = await iperf(from, kind === "direct" ? to.address : clusterIP(4711));
        if (round > 0) rates[kind].push(value);
      }
    }
    // Whatever else the machine does only slows a stream down: the better half of the rounds says more than the rest.
    const [service, direct] = [quantile(rates.service, 0.75), quantile(rates.direct, 0.75)];
    return [
      {
        what: `TCP stream pod to pod through a ClusterIP, third quartile`,
        value: service / 1e9,
        unit: "Gbit/s",
        against: { what: "directly", value: direct / 1e9 },
        goal: "≥ 0.97 x",
        met: service / direct >= 0.97,
      },
    ];
  } finally {
    server.kill("SIGKILL");
  }
}

export const packets: Bench = {
  name: "packets",
  async run() {
    const lab = await openLab([
      ["a0", "b0"],
      ["a1", "b1"],
    ]);
    try {
      for (const [node, count] of sizes.entries())
        await program(node, lab.node[node]!, count, [lab.pod[`b${node}`]!.address]);
      const [a0, a1, b1] = [lab.pod.a0!, lab.pod.a1!, lab.pod.b1!];
      return [...(await firstPackets([a0, a1], b1.address)), ...(await throughput(a1, b1))];
    } finally {
      await lab.close();
    }
  },
};
