// The service proxy: full programming from synced caches to the kernel, and one endpoint changed, at several sizes. The
// floor is a bare table of maps with as many endpoints, the peer kube-proxy's shape of table, both loaded by the same nft in
// the same run; the peer on twice as many Services each time for as long as it finishes in a minute. No packet is sent.
import { readdirSync, readFileSync } from "node:fs";
import { loadTable } from "../../src/agents/proxy/mod.ts";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import {
  createServicePlan,
  type NodeFacts,
  resolveService,
  type ServicePlan,
  type ServiceRouting,
} from "../../src/core/network/mod.ts";
import { printChange } from "../../src/core/nft/mod.ts";
import { run } from "../../src/edge/command/mod.ts";
import { createNftTables } from "../../src/edge/nft/mod.ts";
import { benchNetns } from "./clear-up.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { bareTable, peerAddition, peerTable } from "./proxy-peer.ts";

export const facts: NodeFacts = {
  family: "ip",
  nodeName: "n0",
  zone: "",
  nodeAddresses: ["172.30.0.11"],
  podRanges: ["10.244.0.0/24"],
  serviceRanges: ["10.96.0.0/12"],
  localAddresses: ["10.96.0.10"],
};

const quad = (base: number, n: number): string => `10.${base + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

/** Every twentieth has a node port, every twentieth client affinity, every fiftieth a load balancer with its rules. */
export function service(i: number): Service {
  const nodePort = 30_000 + Math.floor(i / 20);
  const port = { port: 80, protocol: "TCP" };
  const spec: Partial<NonNullable<Service["spec"]>> =
    i % 20 === 1
      ? { type: "NodePort", ports: [{ ...port, nodePort }] }
      : i % 20 === 2
        ? {
            sessionAffinity: "ClientIP",
            sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
          }
        : i % 50 === 3
          ? {
              type: "LoadBalancer",
              externalTrafficPolicy: "Local",
              loadBalancerSourceRanges: ["172.30.0.0/16"],
            }
          : {};
  return {
    metadata: { namespace: "default", name: `s${i}` },
    spec: { type: "ClusterIP", clusterIP: quad(96, i + 256), ports: [port], ...spec },
    ...(i % 50 === 3 ? { status: { loadBalancer: { ingress: [{ ip: quad(120, i) }] } } } : {}),
  } as Service;
}

export function slices(i: number, endpoints: number, shift = 0): EndpointSlice[] {
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

/** The most memory that processes started by this one have had at a time, as far as they still run (VmHWM), in MB. */
function childrenPeak(): number {
  let kilobytes = 0;
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === process.pid)
        kilobytes += Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    } catch {
      // It has ended.
    }
  }
  return kilobytes / 1000;
}

/** How long the peer may take for one table. */
const peerLimitMs = 60_000;

export const proxy: Bench = {
  name: "proxy",
  async run() {
    const figures: Figure[] = [];
    const netns = benchNetns("proxy");
    await run("ip", ["netns", "add", netns]);
    const nft = createNftTables({
      prefix: ["nsenter", `--net=/run/netns/${netns}`, "--"],
      timeoutMs: 2 * peerLimitMs,
    });
    const { signal } = new AbortController();
    const since = (t: number): number => performance.now() - t;

    async function load(
      count: number,
      endpoints: number,
    ): Promise<{ plan: ServicePlan; ms: number; peakMB: number }> {
      const objects = Array.from({ length: count }, (_, i) => [service(i), slices(i, endpoints)] as const);
      // An empty kernel, and the time it takes to clear up after the table before.
      await nft.apply(["add table ip portolan-bench\ndelete table ip portolan-bench\n"]);
      await new Promise((r) => setTimeout(r, 500));
      let peakMB = 0;
      const sampling = setInterval(() => {
        peakMB = Math.max(peakMB, childrenPeak() + process.memoryUsage.rss() / 1e6);
      }, 250);
      const begin = performance.now();
      const plan = createServicePlan(facts, "portolan-bench");
      function* services(): Generator<[string, ServiceRouting | undefined]> {
        for (const [s, own] of objects) yield [`default/${s.metadata.name}`, resolveService(s, own, facts)];
      }
      await loadTable(plan, services(), { apply: (script) => nft.apply(script), signal });
      const ms = since(begin);
      clearInterval(sampling);
      return { plan, ms, peakMB };
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
    async function bare(count: number, endpoints: number): Promise<number> {
      const begin = performance.now();
      await nft.apply(bareTable(count, endpoints));
      const ms = since(begin);
      await nft.apply(["delete table ip bare\n"]);
      return ms;
    }
    async function peer(count: number): Promise<{ full: number; one: number }> {
      let begin = performance.now();
      await nft.apply(peerTable(count, 2));
      const full = since(begin);
      begin = performance.now();
      await nft.apply(peerAddition(count));
      const one = since(begin);
      await nft.apply(["delete table ip peer\n"]);
      return { full, one };
    }

    try {
      for (const [count, endpoints, goal] of [
        [5000, 50, 5000],
        [44_125, 1, 2000],
        [10_000, 2, 1000],
      ] as const) {
        const floor = await bare(count, endpoints);
        const { plan, ms, peakMB } = await load(count, endpoints);
        figures.push({
          what: `full programming, ${count} Services x ${endpoints}`,
          value: ms,
          unit: "ms",
          against: { what: "a bare table of maps", value: floor },
          goal: `≤ ${goal}`,
          met: ms <= goal,
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
            goal: `≤ ${most}`,
            met: value <= most,
          });
        }
        if (count * endpoints < 100_000) continue;
        figures.push({
          what: "  memory at its most, with nft's",
          value: peakMB,
          unit: "MB",
          goal: "≤ 1000",
          met: peakMB <= 1000,
        });
      }
      // Twice as many each time; the growth so far says whether the next would still be done within the limit.
      let before: { ours: number; peer: number } | undefined;
      for (let count = 1000; ; count *= 2) {
        const theirs = await peer(count);
        const { plan, ms } = await load(count, 2);
        figures.push({
          what: `full programming, ${count} Services x 2`,
          value: ms,
          unit: "ms",
          against: { what: "kube-proxy's shape", value: theirs.full },
        });
        if (before)
          figures.push({
            what: "  growth from half as many",
            value: ms / before.ours,
            unit: "times",
            against: { what: "the growth of kube-proxy's shape", value: theirs.full / before.peer },
          });
        figures.push({
          what: "  one endpoint changed, p50",
          value: quantile(await changes(plan, count, 2), 0.5),
          unit: "ms",
          against: { what: "a Service added there", value: theirs.one },
        });
        const growth = before ? theirs.full / before.peer : 4;
        before = { ours: ms, peer: theirs.full };
        if (theirs.full * growth > peerLimitMs) break;
      }
    } finally {
      nft.close();
      await run("ip", ["netns", "delete", netns]);
    }
    return figures;
  },
};
