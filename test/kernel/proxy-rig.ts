// The real proxy on a lab's first node, against a cluster in memory.
import { setMaxListeners } from "node:events";
import { type ServiceProxy, startProxy } from "../../src/agents/proxy/mod.ts";
import { pause } from "../../src/control/client/mod.ts";
import type { ClusterFacts } from "../../src/core/cluster/config.ts";
import { loopbackGuard } from "../../src/core/network/mod.ts";
import { createConntrack, createNftTables } from "../../src/edge/nft/mod.ts";
import type { MemoryCluster } from "../support/memory-cluster.ts";
import { inPlace, type Lab, nodeAddress, nodeAddress6, podCIDR, podCIDR6 } from "./lab.ts";

export const labCluster = {
  name: "lab",
  domain: "cluster.local",
  nodeCIDR: "172.30.0.0/24",
  podCIDR: "10.128.0.0/9",
  serviceCIDR: "10.96.0.0/14",
  loadBalancerCIDR: "172.30.200.0/24",
  dnsAddress: "10.96.0.10",
} as ClusterFacts;

export interface LabProxy {
  /** Text of every transaction. */
  readonly scripts: string[];
  /** How often a whole table was listed, and the flows. */
  readonly listings: { tables: number; flows: number };
  readonly warnings: string[];
  /** Milliseconds until the kernel had the first whole table. */
  readonly startedIn: number;
  end(): Promise<void>;
}

/** Starts it and waits for its first whole table; `dual`: with the node's IPv6 table too. */
export async function startLabProxy(
  lab: Lab,
  api: MemoryCluster,
  options: { dual?: boolean } = {},
): Promise<LabProxy> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const scripts: string[] = [];
  const warnings: string[] = [];
  const listings = { tables: 0, flows: 0 };
  const prefix = inPlace(lab.node[0]!);
  const tables = createNftTables({ prefix });
  const conntrack = createConntrack({ prefix });
  const begin = performance.now();
  const proxy: ServiceProxy = startProxy(
    {
      client: api,
      nodeName: "n0",
      cluster: labCluster,
      nodeAddress: nodeAddress(0),
      podCIDR: podCIDR(0),
      ...(options.dual
        ? {
            second: { nodeAddress: nodeAddress6(0), podCIDR: podCIDR6(0), serviceCIDR: "fd00:96::/112" },
          }
        : {}),
      nft: {
        ...tables,
        apply(script) {
          const text = [...script].join("");
          scripts.push(text);
          return tables.apply([text]);
        },
        list(...of) {
          listings.tables++;
          return tables.list(...of);
        },
      },
      conntrack: {
        ...conntrack,
        udpFlows(family) {
          listings.flows++;
          return conntrack.udpFlows(family);
        },
      },
      clock: { now: () => performance.now(), wall: () => Date.now(), sleep: pause },
      log: { info() {}, warn: (f, m) => warnings.push(`${m} ${JSON.stringify(f)}`) },
      localAddresses: [labCluster.dnsAddress],
      guards: [loopbackGuard],
    },
    stop.signal,
  );
  await proxy.synced;
  return {
    scripts,
    listings,
    warnings,
    startedIn: Math.round(performance.now() - begin),
    async end() {
      stop.abort();
      await proxy.done;
    },
  };
}

/** Tries until the answer's name or error is `want`; the milliseconds that took. */
export async function becomes(
  want: string,
  dial: () => Promise<{ name?: string; error?: string }>,
  limitMs = 20_000,
): Promise<number> {
  const begin = performance.now();
  let got: string | undefined;
  while (performance.now() - begin < limitMs) {
    const a = await dial();
    got = a.name ?? a.error;
    if (got === want) return Math.round(performance.now() - begin);
    await pause(20, new AbortController().signal);
  }
  throw new Error(`it stayed ${got}, expected ${want}`);
}
