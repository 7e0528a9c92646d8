// One proxy with the tables of both families: each change reaches both, UDP flows of both leave endpoints that are gone, and
// health check node ports count the endpoints of the family that a Service has.
import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { type ServiceProxy, startProxy } from "../../src/agents/proxy/mod.ts";
import { pause } from "../../src/control/client/mod.ts";
import * as refs from "../../src/core/api/refs.ts";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import type { ClusterFacts } from "../../src/core/cluster/config.ts";
import { run } from "../../src/edge/command/mod.ts";
import { createConntrack, createNftTables } from "../../src/edge/nft/mod.ts";
import { eventually } from "../support/eventually.ts";
import { createMemoryCluster, type MemoryCluster } from "../support/memory-cluster.ts";
import {
  inPlace,
  type Lab,
  nodeAddress,
  nodeAddress6,
  openLab,
  type Place,
  podCIDR,
  podCIDR6,
} from "./lab.ts";
import { service, slice } from "./objects.ts";

const cluster = {
  name: "lab",
  domain: "cluster.local",
  nodeCIDR: "172.30.0.0/24",
  podCIDR: "10.244.0.0/16",
  serviceCIDR: "10.96.0.0/16",
  loadBalancerCIDR: "172.30.200.0/24",
  dnsAddress: "10.96.0.10",
  second: {
    nodeCIDR: "fd00:30::/64",
    podCIDR: "fd00:244::/56",
    serviceCIDR: "fd00:96::/112",
    loadBalancerCIDR: "fd00:200::/112",
  },
} as ClusterFacts;
const ips = ["10.96.0.50", "fd00:96::50"] as const;

let lab: Lab;
let api: MemoryCluster;
let stop: AbortController;
let proxy: ServiceProxy;
let served = new Map<number, () => { status: number; body: string }>();
/** Every transaction's text. */
let scripts: string[] = [];
const warnings: string[] = [];

before(async () => {
  lab = await openLab([["a0", "b0"]]);
});
after(() => lab?.close());
async function start(): Promise<void> {
  scripts = [];
  stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const prefix = inPlace(lab.node[0]!);
  const tables = createNftTables({ prefix });
  proxy = startProxy(
    {
      client: api,
      nodeName: "n0",
      cluster,
      nodeAddress: nodeAddress(0),
      podCIDR: podCIDR(0),
      second: {
        nodeAddress: nodeAddress6(0),
        podCIDR: podCIDR6(0),
        serviceCIDR: cluster.second!.serviceCIDR,
      },
      nft: {
        ...tables,
        apply(script) {
          const text = [...script].join("");
          scripts.push(text);
          return tables.apply([text]);
        },
      },
      conntrack: createConntrack({ prefix }),
      clock: { now: () => performance.now(), wall: () => Date.now(), sleep: pause },
      healthPorts: {
        serve(ports) {
          served = new Map(ports);
        },
        close() {},
      },
      log: { info() {}, warn: (f, m) => warnings.push(`${m} ${JSON.stringify(f)}`) },
      localAddresses: [cluster.dnsAddress],
    },
    stop.signal,
  );
  await proxy.synced;
}
async function end(): Promise<void> {
  stop.abort();
  await proxy.done;
}
beforeEach(async () => {
  api = createMemoryCluster();
  warnings.length = 0;
  await start();
});
afterEach(async () => {
  await end();
  const [file = "", ...args] = [...inPlace(lab.node[0]!), "nft", "flush ruleset"];
  await run(file, args);
  assert.deepEqual(warnings, []);
});

const dual = (spec: object): Service =>
  service("web", ips[0], { clusterIPs: [...ips], ipFamilies: ["IPv4", "IPv6"], ...spec });

/** The slices of both families over those pods. */
function put(places: Place[], port: { port: number; protocol: string }): void {
  const four = slice("web", places, [port]);
  const six: EndpointSlice = {
    ...four,
    metadata: { ...four.metadata, name: "web-6" },
    addressType: "IPv6",
    endpoints: four.endpoints!.map((e, i) => ({ ...e, addresses: [places[i]!.address6] })),
  };
  api.put(refs.endpointSlices, four);
  api.put(refs.endpointSlices, six);
}

const becomes = (want: string, dial: () => Promise<{ name?: string; error?: string }>): Promise<void> =>
  eventually(async () => {
    const { name, error } = await dial();
    assert.equal(name ?? error, want);
  }, 5000);

test("each change reaches both tables, and the flows of both", async () => {
  const { a0, b0 } = lab.pod as Record<string, Place>;
  const udp = { port: 8080, protocol: "UDP" };
  api.put(refs.services, dual({ type: "NodePort", ports: [{ port: 53, protocol: "UDP", nodePort: 30053 }] }));
  const ways: (() => Promise<{ name?: string; error?: string }>)[] = [
    ...ips.map((ip) => () => b0!.dial(ip, 53, { proto: "udp", fromPort: 40000 })),
    ...[nodeAddress(0), nodeAddress6(0)].map(
      (ip) => () => lab.host.dial(ip, 30053, { proto: "udp", fromPort: 40000 }),
    ),
  ];
  for (const places of [[a0!], [b0!], []]) {
    put(places, udp);
    for (const dial of ways) await becomes(places[0]?.name ?? "ECONNREFUSED", dial);
  }
  api.remove(refs.services, "default/web");
  for (const dial of ways.slice(0, 2)) await becomes("timeout", dial);
});

test("a health check node port counts the endpoints of the family that there is", async () => {
  const six = (healthCheckNodePort: number): Service =>
    service("web", ips[1], {
      ipFamilies: ["IPv6"],
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort,
    });
  api.put(refs.services, six(31000));
  await eventually(() => assert.equal(served.get(31000)?.().status, 503), 5000);
  put([lab.pod.a0!, lab.pod.b0!], { port: 80, protocol: "TCP" });
  await eventually(() => assert.match(served.get(31000)!().body, /"localEndpoints": 2/), 5000);
  assert.equal(served.get(31000)!().status, 200);
  api.remove(refs.services, "default/web");
  await eventually(() => assert.equal(served.size, 0), 5000);
});

test("a proxy that starts again changes nothing in either table, and clients stay where they were", async () => {
  const { a0, b0 } = lab.pod as Record<string, Place>;
  api.put(refs.services, dual({ sessionAffinity: "ClientIP" }));
  put([a0!, b0!], { port: 80, protocol: "TCP" });
  for (const ip of ips) await eventually(async () => assert.ok((await lab.host.dial(ip, 80)).name), 5000);
  const where = () => Promise.all(ips.map(async (ip) => (await lab.host.dial(ip, 80)).name));
  const before = await where();
  await end();
  await start();
  assert.deepEqual(scripts, []);
  assert.deepEqual(await where(), before);
});
