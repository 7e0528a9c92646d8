// The real proxy on a lab's first node, against a cluster in memory.
import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { after, afterEach, before, beforeEach } from "node:test";
import { type HealthPorts, type ServiceProxy, startProxy } from "../../src/agents/proxy/mod.ts";
import { pause } from "../../src/control/client/mod.ts";
import type { ClusterFacts } from "../../src/core/cluster/config.ts";
import { loopbackGuard } from "../../src/core/network/mod.ts";
import { run } from "../../src/edge/command/mod.ts";
import { createConntrack, createNftTables } from "../../src/edge/nft/mod.ts";
import { createMemoryCluster, type MemoryCluster } from "../support/memory-cluster.ts";
import { inPlace, type Lab, nodeAddress, nodeAddress6, openLab, podCIDR, podCIDR6 } from "./lab.ts";

const labCluster = {
  name: "lab",
  domain: "cluster.local",
  nodeCIDR: "172.30.0.0/24",
  podCIDR: "10.128.0.0/9",
  serviceCIDR: "10.96.0.0/14",
  loadBalancerCIDR: "172.30.200.0/24",
  dnsAddress: "10.96.0.10",
} as ClusterFacts;
const second = {
  nodeCIDR: "fd00:30::/64",
  podCIDR: "fd00:244::/56",
  serviceCIDR: "fd00:96::/112",
  loadBalancerCIDR: "fd00:200::/112",
};

export interface LabProxyOptions {
  /** With the node's IPv6 table too. */
  dual?: boolean;
  /** With the table that guards the node's loopback. */
  guarded?: boolean;
  healthPorts?: HealthPorts;
  /** Waited for before each transaction, which fails when it rejects. */
  before?(script: string): Promise<void>;
  /** Ends a proxy that never had its first table. */
  stop?: AbortController;
}

export interface LabProxy {
  readonly proxy: ServiceProxy;
  /** Text of every transaction. */
  readonly scripts: string[];
  /** How often a whole table was listed, and the flows. */
  readonly listings: { tables: number; flows: number };
  readonly warnings: string[];
  /** Milliseconds until the kernel had the first whole table. */
  readonly startedIn: number;
  end(): Promise<void>;
}

/** Starts it and waits for its first whole table. */
async function startLabProxy(lab: Lab, api: MemoryCluster, options: LabProxyOptions): Promise<LabProxy> {
  const { dual = false, guarded = false, healthPorts, before, stop = new AbortController() } = options;
  setMaxListeners(0, stop.signal);
  const scripts: string[] = [];
  const warnings: string[] = [];
  const listings = { tables: 0, flows: 0 };
  const prefix = inPlace(lab.node[0]!);
  const tables = createNftTables({ prefix });
  const conntrack = createConntrack({ prefix });
  const begin = performance.now();
  const proxy = startProxy(
    {
      client: api,
      nodeName: "n0",
      cluster: dual ? { ...labCluster, second } : labCluster,
      nodeAddress: nodeAddress(0),
      podCIDR: podCIDR(0),
      ...(dual
        ? { second: { nodeAddress: nodeAddress6(0), podCIDR: podCIDR6(0), serviceCIDR: second.serviceCIDR } }
        : {}),
      nft: {
        ...tables,
        async apply(script) {
          const text = [...script].join("");
          scripts.push(text);
          await before?.(text);
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
      ...(healthPorts ? { healthPorts } : {}),
      clock: { now: () => performance.now(), wall: () => Date.now(), sleep: pause },
      log: { info() {}, warn: (f, m) => warnings.push(`${m} ${JSON.stringify(f)}`) },
      localAddresses: [labCluster.dnsAddress],
      guards: guarded ? [loopbackGuard] : [],
    },
    stop.signal,
  );
  await proxy.synced;
  return {
    proxy,
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

export interface ProxyRig {
  readonly lab: Lab;
  /** Each test's own. */
  readonly api: MemoryCluster;
  /** The proxy that was started last. */
  readonly proxy: LabProxy;
  /** Starts it and waits for its first whole table. It ends with its test at the latest. */
  start(options?: LabProxyOptions): Promise<LabProxy>;
  end(): Promise<void>;
  /** Runs a command on the proxy's node. */
  onNode(...command: string[]): Promise<string>;
  /** Tries until the answer's name or error is `want`, for at most `waitMs`. */
  becomes(
    want: string,
    dial: () => Promise<{ name?: string; error?: string }>,
    limitMs?: number,
  ): Promise<void>;
}

/** What every test of a file begins with: the lab, and on its first node neither rules nor flows. */
export function openProxyRig(pods: readonly (readonly string[])[], waitMs: number): ProxyRig {
  let lab: Lab | undefined;
  let api = createMemoryCluster();
  let running: LabProxy | undefined;
  let last: LabProxy | undefined;

  async function end(): Promise<void> {
    await running?.end();
    running = undefined;
  }
  function onNode(...command: string[]): Promise<string> {
    const [file = "", ...args] = [...inPlace(lab!.node[0]!), ...command];
    return run(file, args, { timeoutMs: 60_000 });
  }

  before(async () => {
    lab = await openLab(pods);
  });
  beforeEach(async () => {
    await onNode("nft", "flush", "ruleset");
    await onNode("conntrack", "-F").catch(() => "");
    api = createMemoryCluster();
  });
  afterEach(end);
  after(() => lab?.close());

  return {
    get lab() {
      return lab!;
    },
    get api() {
      return api;
    },
    get proxy() {
      return last!;
    },
    async start(options = {}) {
      last = running = await startLabProxy(lab!, api, options);
      return last;
    },
    end,
    onNode,
    async becomes(want, dial, limitMs = waitMs) {
      const until = performance.now() + limitMs;
      for (;;) {
        const { name, error } = await dial();
        if ((name ?? error) === want) return;
        if (performance.now() > until) assert.equal(name ?? error, want, last?.warnings.join("\n"));
        await pause(10, new AbortController().signal);
      }
    },
  };
}
