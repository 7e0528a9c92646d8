// The service proxy: full programming from synced caches to the kernel, and one endpoint changed, at several sizes. The
// peer is kube-proxy's shape of table, loaded by the same nft in the same run. No packet is sent.
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import {
  createServicePlan,
  type NodeFacts,
  resolveService,
  type ServicePlan,
} from "../../src/core/network/mod.ts";
import { printChange, printTable } from "../../src/core/nft/mod.ts";
import { run } from "../../src/edge/command/mod.ts";
import { createNftTables } from "../../src/edge/nft/mod.ts";
import { benchNetns } from "./clear-up.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { peerAddition, peerTable } from "./proxy-peer.ts";

const facts: NodeFacts = {
  family: "ip",
  nodeName: "n0",
  zone: "",
  nodeAddresses: ["172.30.0.11"],
  podRanges: ["10.244.0.0/24"],
  serviceRanges: ["10.96.0.0/12"],
  localAddresses: ["10.96.0.10"],
};

const quad = (base: number, n: number): string => `10.${base + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

function service(i: number): Service {
  return {
    metadata: { namespace: "default", name: `s${i}` },
    spec: { type: "ClusterIP", clusterIP: quad(96, i + 256), ports: [{ port: 80, protocol: "TCP" }] },
  } as Service;
}

function slices(i: number, endpoints: number, shift = 0): EndpointSlice[] {
  const out: EndpointSlice[] = [];
  for (let from = 0; from < endpoints; from += 100)
    out.push({
      metadata: { namespace: "default", name: `s${i}-${from}` },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
      endpoints: Array.from({ length: Math.min(100, endpoints - from) }, (_, j) => ({
        addresses: [quad(128, (i * endpoints + from + j + (j === 0 ? shift : 0)) % (1 << 22))],
        conditions: { ready: true },
        nodeName: `n${(i + j) % 10}`,
      })),
    } as EndpointSlice);
  return out;
}

export const proxy: Bench = {
  name: "proxy",
  async run() {
    const figures: Figure[] = [];
    const netns = benchNetns("proxy");
    await run("ip", ["netns", "add", netns]);
    const nft = createNftTables({ prefix: ["nsenter", `--net=/run/netns/${netns}`, "--"] });
    const since = (t: number): number => performance.now() - t;

    async function load(count: number, endpoints: number): Promise<{ plan: ServicePlan; ms: number }> {
      const objects = Array.from({ length: count }, (_, i) => [service(i), slices(i, endpoints)] as const);
      // An empty kernel, and the time it takes to clear up after the table before.
      await nft.apply(["add table ip portolan-bench\ndelete table ip portolan-bench\n"]);
      await new Promise((r) => setTimeout(r, 500));
      const begin = performance.now();
      const plan = createServicePlan(facts, "portolan-bench");
      for (const [s, own] of objects) plan.set(`default/${s.metadata.name}`, resolveService(s, own, facts));
      plan.take();
      await nft.apply(printTable(plan.table()));
      return { plan, ms: since(begin) };
    }
    async function changes(plan: ServicePlan, count: number, endpoints: number): Promise<number[]> {
      const times: number[] = [];
      for (let round = 0; round < 101; round++) {
        const i = (round * 7919) % count;
        const [s, own] = [service(i), slices(i, endpoints, 1_000_000 + round)];
        const begin = performance.now();
        plan.set(`default/s${i}`, resolveService(s, own, facts));
        await nft.apply(printChange(plan.take()));
        times.push(since(begin));
      }
      // The first opens the held nft.
      return times.slice(1);
    }

    try {
      const peers: Record<number, { full: number; one: number }> = {};
      for (const count of [1000, 4000]) {
        let begin = performance.now();
        await nft.apply(peerTable(count, 2));
        const full = since(begin);
        begin = performance.now();
        await nft.apply(peerAddition(count));
        peers[count] = { full, one: since(begin) };
        await nft.apply(["delete table ip peer\n"]);
      }
      for (const [count, endpoints, goal] of [
        [1000, 2, undefined],
        [4000, 2, undefined],
        [10_000, 2, 1000],
        [44_125, 1, 2000],
        [5000, 50, 5000],
      ] as const) {
        const { plan, ms } = await load(count, endpoints);
        const peer = peers[count];
        figures.push({
          what: `full programming, ${count} Services x ${endpoints}`,
          value: ms,
          unit: "ms",
          ...(peer ? { against: { what: "kube-proxy's shape", value: peer.full } } : {}),
          ...(goal ? { goal: `at most ${goal} ms`, met: ms <= goal } : {}),
        });
        const times = await changes(plan, count, endpoints);
        for (const [name, q, most] of [
          ["p50", 0.5, 10],
          ["p99", 0.99, 30],
        ] as const) {
          const value = quantile(times, q);
          figures.push({
            what: `  one endpoint changed, ${name}`,
            value,
            unit: "ms",
            ...(peer && q === 0.5 ? { against: { what: "a Service added there", value: peer.one } } : {}),
            goal: `at most ${most} ms`,
            met: value <= most,
          });
        }
      }
      const rss = process.memoryUsage().rss / 1e6;
      figures.push({
        what: "resident memory after all of these",
        value: rss,
        unit: "MB",
        goal: "at most 1000 MB",
        met: rss <= 1000,
      });
    } finally {
      nft.close();
      await run("ip", ["netns", "delete", netns]);
    }
    return figures;
  },
};
