// The proxy's loop against an API and a kernel: changes arrive, a flushed table comes back, a restart changes nothing.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type ServiceProxy, startProxy } from "../../src/agents/proxy/mod.ts";
import * as refs from "../../src/core/api/refs.ts";
import type { ClusterFacts } from "../../src/core/cluster/config.ts";
import { createConntrack, createNftTables } from "../../src/edge/nft/mod.ts";
import { createMemoryCluster, type MemoryCluster } from "../support/memory-cluster.ts";
import { inPlace, type Lab, nodeAddress, openLab, podCIDR } from "./lab.ts";
import { service, slice } from "./objects.ts";

const cluster = {
  name: "lab",
  domain: "cluster.local",
  podCIDR: "10.244.0.0/16",
  serviceCIDR: "10.96.0.0/16",
  dnsAddress: "10.96.0.10",
} as ClusterFacts;

let lab: Lab;
let api: MemoryCluster;
let stop: AbortController;
let proxy: ServiceProxy;
const warnings: string[] = [];

function start(): ServiceProxy {
  stop = new AbortController();
  const prefix = inPlace(lab.node[0]!);
  return startProxy(
    {
      client: api,
      nodeName: "n0",
      cluster,
      nodeAddress: nodeAddress(0),
      podCIDR: podCIDR(0),
      nft: createNftTables({ prefix }),
      conntrack: createConntrack({ prefix }),
      clock: {
        now: () => performance.now(),
        sleep: (ms, signal) =>
          new Promise((resolve) => {
            const timer = setTimeout(resolve, ms);
            signal.addEventListener("abort", () => {
              clearTimeout(timer);
              resolve();
            });
          }),
      },
      log: { info() {}, warn: (f, m) => warnings.push(`${m} ${JSON.stringify(f)}`) },
      localAddresses: [cluster.dnsAddress],
    },
    stop.signal,
  );
}

before(async () => {
  lab = await openLab([["a0", "b0"]]);
});
after(() => lab?.close());
beforeEach(() => {
  api = createMemoryCluster();
});

/** Tries until the answer is `want`; fails after `limitMs`. */
async function becomes(want: string, dial: () => Promise<{ name?: string; error?: string }>, limitMs = 2000) {
  const end = performance.now() + limitMs;
  for (;;) {
    const a = await dial();
    const got = a.name ?? a.error;
    if (got === want) return;
    if (performance.now() > end) assert.equal(got, want, warnings.join("\n"));
    await new Promise((r) => setTimeout(r, 10));
  }
}

const ip = "10.96.0.50";

describe("the proxy", () => {
  test("follows Services and EndpointSlices", async () => {
    api.put(refs.services, service("web", ip));
    proxy = start();
    await proxy.synced;
    const { b0 } = lab.pod;
    const dial = () => b0!.dial(ip, 80);
    await becomes("ECONNREFUSED", dial);
    api.put(refs.endpointSlices, slice("web", [lab.pod.a0!]));
    await becomes("a0", dial);
    api.put(refs.endpointSlices, slice("web", [lab.pod.b0!]));
    await becomes("b0", dial);
    api.remove(refs.endpointSlices, "default/web-1");
    await becomes("ECONNREFUSED", dial);
    api.remove(refs.services, "default/web");
    await becomes("timeout", dial);
    stop.abort();
    await proxy.done;
    assert.deepEqual(warnings, []);
  });
});
