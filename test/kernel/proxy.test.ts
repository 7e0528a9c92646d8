// The proxy's loop against an API and a kernel: changes arrive, a flushed table comes back, a restart changes nothing.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { type ServiceProxy, startProxy } from "../../src/agents/proxy/mod.ts";
import * as refs from "../../src/core/api/refs.ts";
import type { Node, Pod } from "../../src/core/api/types.ts";
import type { ClusterFacts } from "../../src/core/cluster/config.ts";
import { run } from "../../src/edge/command/mod.ts";
import { createConntrack, createNftTables } from "../../src/edge/nft/mod.ts";
import { createHealthPorts, serveProxyHttp } from "../../src/edge/proxy-http/mod.ts";
import { createMemoryCluster, type MemoryCluster } from "../support/memory-cluster.ts";
import { type Answer, inPlace, type Lab, nodeAddress, openLab, type Place, podCIDR } from "./lab.ts";
import { service, slice } from "./objects.ts";

const cluster = {
  name: "lab",
  domain: "cluster.local",
  nodeCIDR: "172.30.0.0/24",
  podCIDR: "10.244.0.0/16",
  serviceCIDR: "10.96.0.0/16",
  loadBalancerCIDR: "172.30.200.0/24",
  dnsAddress: "10.96.0.10",
} as ClusterFacts;

let lab: Lab;
let api: MemoryCluster;
let stop: AbortController;
let proxy: ServiceProxy;
const warnings: string[] = [];

const nft = (command: string): Promise<string> => {
  const [file = "", ...args] = [...inPlace(lab.node[0]!), "nft", command];
  return run(file, args);
};

/** The whole table but what clients left in it. */
const listing = async (): Promise<string> =>
  (await nft("list table ip portolan-lab")).replace(/map affinity \{[^}]*(\{[^}]*\}\s*)?\}/, "");

/** Starts a proxy; `scripts` gets every transaction's text. */
function start(scripts: string[] = []): ServiceProxy {
  stop = new AbortController();
  const prefix = inPlace(lab.node[0]!);
  const tables = createNftTables({ prefix });
  return startProxy(
    {
      client: api,
      nodeName: "n0",
      cluster,
      nodeAddress: nodeAddress(0),
      podCIDR: podCIDR(0),
      nft: {
        ...tables,
        apply(script) {
          const text = [...script].join("");
          scripts.push(text);
          return tables.apply([text]);
        },
      },
      conntrack: createConntrack({ prefix }),
      clock: {
        now: () => performance.now(),
        wall: () => Date.now(),
        sleep: (ms, signal) =>
          new Promise((resolve) => {
            const end = (): void => {
              clearTimeout(timer);
              signal.removeEventListener("abort", end);
              resolve();
            };
            const timer = setTimeout(end, ms);
            signal.addEventListener("abort", end);
          }),
      },
      healthPorts: createHealthPorts(assert.fail),
      log: { info() {}, warn: (f, m) => warnings.push(`${m} ${JSON.stringify(f)}`) },
      localAddresses: [cluster.dnsAddress],
    },
    stop.signal,
  );
}

before(async () => {
  lab = await openLab([["a0", "b0"], ["a1"]]);
});
after(() => lab?.close());
afterEach(async () => {
  stop.abort();
  await proxy.done;
});
beforeEach(async () => {
  await nft("flush ruleset");
  warnings.length = 0;
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

const pick = async (answer: Promise<Answer>): Promise<unknown[]> => {
  const { name, client } = await answer;
  return [name, client];
};

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

  test("maps host ports of the node's pods, and only those", async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    const at = nodeAddress(0);
    const pod = (place: Place, port: object, status: object = { phase: "Running" }): Pod =>
      ({
        metadata: { namespace: "default", name: place.name },
        spec: {
          nodeName: place.name.endsWith("1") ? "n1" : "n0",
          containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 5432, ...port }] }],
        },
        status: { podIP: place.address, ...status },
      }) as Pod;
    proxy = start();
    await proxy.synced;
    api.put(refs.pods, pod(a0!, { hostIP: "127.0.0.1" }));
    api.put(refs.pods, pod(b0!, { hostIP: at }));
    await becomes("b0", () => lab.host.dial(at, 5432));
    await becomes("a0", () => lab.node[0]!.dial("127.0.0.1", 5432));
    assert.equal((await lab.node[0]!.dial("127.0.0.1", 5432, { from: at })).name, "a0");
    // The source stays, but where the answer would not find back.
    assert.deepEqual(await pick(lab.host.dial(at, 5432)), ["b0", lab.hostAddress]);
    assert.deepEqual(await pick(a0!.dial(at, 5432)), ["b0", a0!.address]);
    assert.deepEqual(await pick(a1!.dial(at, 5432)), ["b0", a1!.address]);
    assert.equal((await b0!.dial(at, 5432)).name, "b0");
    assert.equal((await lab.node[0]!.dial(at, 5432)).name, "b0");
    assert.equal((await lab.node[1]!.dial(at, 5432)).name, "b0");

    // UDP on the same port and address is another pod's; TCP of what has ended goes.
    api.put(refs.pods, pod(b0!, { hostIP: at }, { phase: "Succeeded" }));
    await becomes("ECONNREFUSED", () => lab.host.dial(at, 5432));
    api.put(refs.pods, pod(b0!, { protocol: "UDP" }));
    await becomes("b0", () => lab.host.dial(at, 5432, { proto: "udp" }));
    assert.deepEqual(await lab.host.dial(at, 5432), { error: "ECONNREFUSED" });
    api.remove(refs.pods, "default/b0");
    await becomes("ECONNREFUSED", () => lab.host.dial(at, 5432, { proto: "udp" }));
    // Pods of other nodes are not this proxy's.
    api.put(refs.pods, pod(a1!, {}));
    api.put(refs.pods, pod(a0!, { hostPort: 5433 }));
    await becomes("a0", () => lab.host.dial(at, 5433));
    assert.deepEqual(await lab.host.dial(at, 5432), { error: "ECONNREFUSED" });
    assert.deepEqual(warnings, []);
  });

  test("a restart finds the table right and changes nothing; what changed meanwhile is the only change", async () => {
    const { a0, b0 } = lab.pod as Record<string, Place>;
    api.put(refs.services, service("web", ip));
    api.put(
      refs.services,
      service("more", "10.96.0.60", {
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        sessionAffinity: "ClientIP",
        loadBalancerSourceRanges: ["172.30.0.0/24", "172.30.0.1/32", "10.1.2.3/8"],
        ports: [{ port: 80, nodePort: 30080 }],
        vips: ["172.30.200.7"],
      }),
    );
    api.put(refs.endpointSlices, slice("web", [a0!, b0!]));
    api.put(refs.endpointSlices, slice("more", [b0!, a0!]));
    for (const place of [a0!, b0!])
      api.put(refs.pods, {
        metadata: { namespace: "default", name: place.name },
        spec: {
          nodeName: "n0",
          containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: place === a0 ? 5432 : 5433 }] }],
        },
        status: { podIP: place.address, phase: "Running" },
      } as Pod);
    proxy = start();
    await proxy.synced;
    await becomes("a0", () => b0!.dial(ip, 80));
    // Change the order in which endpoints fill the slots, so that a fresh plan would number them otherwise.
    const lists = async (element: string) => ({ name: (await listing()).includes(element) ? "yes" : "no" });
    api.put(refs.endpointSlices, slice("web", [b0!]));
    await becomes("yes", () => lists("0x00000000 . 0x00000001 : 10.244.0.3 . 80"));
    api.put(refs.endpointSlices, slice("web", [a0!, b0!]));
    await becomes("yes", () => lists("0x00000001 . 0x00000001 : 10.244.0.2 . 80"));
    assert.equal((await lab.host.dial("172.30.200.7", 80)).error, undefined);
    stop.abort();
    await proxy.done;

    const before = await listing();
    const scripts: string[] = [];
    proxy = start(scripts);
    await proxy.synced;
    assert.deepEqual(scripts, [], `${before}\n${warnings}`);
    assert.equal(await listing(), before);
    stop.abort();
    await proxy.done;

    api.remove(refs.services, "default/more");
    proxy = start(scripts);
    await proxy.synced;
    const all = scripts.join("---");
    assert.match(all, /^delete element/);
    assert.doesNotMatch(all, /delete table|---/);
    assert.deepEqual(await lab.host.dial("172.30.200.7", 80), { error: "timeout" });
    assert.equal((await b0!.dial(ip, 80)).error, undefined);
    stop.abort();
    await proxy.done;
  });

  const tampering: [string, string][] = [
    ["the ruleset flushed", "flush ruleset"],
    ["the table deleted", "delete table ip portolan-lab"],
    ["a chain flushed", "flush chain ip portolan-lab services"],
    ["a map flushed", "flush map ip portolan-lab frontends"],
    ["one element deleted", "delete element ip portolan-lab frontends { 10.96.0.50 . tcp . 80 }"],
    ["a foreign rule", "insert rule ip portolan-lab services drop"],
    ["a rule of the hook's chain gone", "flush chain ip portolan-lab nat-prerouting"],
    [
      "a foreign chain that sees packets",
      "add chain ip portolan-lab own { type filter hook forward priority 0; }; add rule ip portolan-lab own drop",
    ],
    ["the table switched off", "add table ip portolan-lab { flags dormant; }"],
    ["endpoints flushed", "flush map ip portolan-lab backends"],
  ];
  for (const [what, command] of tampering)
    test(`${what}: right again within 5 s`, async () => {
      api.put(refs.services, service("web", ip));
      api.put(refs.endpointSlices, slice("web", [lab.pod.a0!]));
      proxy = start();
      await proxy.synced;
      const dial = () => lab.pod.b0!.dial(ip, 80);
      await becomes("a0", dial);
      await new Promise((r) => setTimeout(r, 100));
      await nft(command);
      assert.notEqual((await dial()).name, "a0");
      await becomes("a0", dial, 5000);
      stop.abort();
      await proxy.done;
    });

  test("health, metrics and the health check node port", async () => {
    const vip = service("lb", "10.96.0.60", {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 32000,
      ports: [{ port: 80, nodePort: 30080 }],
    });
    api.put(refs.services, vip);
    api.put(refs.nodes, { metadata: { name: "n0" } });
    proxy = start();
    const http = serveProxyHttp({ proxy, onError: assert.fail });
    await proxy.synced;
    const get = async (url: string) => {
      const r = await fetch(url);
      return {
        status: r.status,
        text: await r.text(),
        weight: r.headers.get("x-load-balancing-endpoint-weight"),
      };
    };
    const node = "http://127.0.0.1:32000/anything";
    assert.deepEqual(await get(node), {
      status: 503,
      weight: "0",
      text: '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "lb"\n\t},\n\t"localEndpoints": 0,\n\t"serviceProxyHealthy": true\n}',
    });
    const own = slice("lb", [lab.pod.a0!]);
    own.metadata.annotations = {
      "endpoints.kubernetes.io/last-change-trigger-time": new Date().toISOString(),
    };
    api.put(refs.endpointSlices, own);
    await becomes("1", async () => ({ name: (await get(node)).weight! }));
    assert.equal((await get(node)).status, 200);
    assert.equal((await get("http://127.0.0.1:10256/healthz")).status, 200);
    assert.match((await get("http://127.0.0.1:10256/healthz")).text, /"lastUpdated":".*"nodeEligible":true/);
    // A node that the autoscaler is about to take away: no new traffic, though all is well with the proxy.
    api.change(refs.nodes, "n0", (n) => {
      n.spec = { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] };
    });
    await becomes("503", async () => ({ name: `${(await get("http://127.0.0.1:10256/healthz")).status}` }));
    assert.equal((await get("http://127.0.0.1:10256/livez")).status, 200);
    assert.equal((await get(node)).status, 200);
    assert.equal((await get("http://127.0.0.1:10249/proxyMode")).text, "nftables");
    const { text } = await get("http://127.0.0.1:10249/metrics");
    assert.match(text, /kubeproxy_sync_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/);
    assert.match(text, /kubeproxy_network_programming_duration_seconds_count\{ip_family="IPv4"\} 1\n/);
    api.remove(refs.services, "default/lb");
    await becomes("closed", () =>
      get(node).then(
        () => ({ name: "open" }),
        () => ({ name: "closed" }),
      ),
    );
    http.close();
    stop.abort();
    await proxy.done;
  });

  test("tables of others are left alone", async () => {
    await nft("add table ip stranger");
    await nft("add chain ip stranger x");
    api.put(refs.services, service("web", ip));
    proxy = start();
    await proxy.synced;
    stop.abort();
    await proxy.done;
    assert.match(await nft("list table ip stranger"), /chain x/);
    await nft("delete table ip stranger");
  });
});

describe("UDP flows", () => {
  const ports = [{ port: 53, protocol: "UDP", nodePort: 30053 }];
  const web = () => service("web", ip, { type: "NodePort", ports });
  const on = (places: Place[]) => slice("web", places, [{ port: 8080, protocol: "UDP" }]);
  const client = { proto: "udp", fromPort: 40000 } as const;
  const ways: [string, () => Place, string, number][] = [
    ["by the cluster IP", () => lab.pod.b0!, ip, 53],
    ["by the node port", () => lab.host, nodeAddress(0), 30053],
  ];
  for (const [how, from, address, port] of ways)
    test(`${how}: move to a living endpoint, end with the last, end with the Service, begin with it`, async () => {
      const { a0, b0 } = lab.pod as Record<string, Place>;
      api.put(refs.services, web());
      api.put(refs.endpointSlices, on([a0!]));
      proxy = start();
      await proxy.synced;
      const dial = () => from().dial(address, port, client);
      await becomes("a0", dial);
      api.put(refs.endpointSlices, on([b0!]));
      await becomes("b0", dial);
      api.put(refs.endpointSlices, on([]));
      await becomes("ECONNREFUSED", dial);
      api.put(refs.endpointSlices, on([a0!]));
      await becomes("a0", dial);
      api.remove(refs.services, "default/web");
      await becomes(port === 53 ? "timeout" : "ECONNREFUSED", dial);
      api.put(refs.services, web());
      await becomes("a0", dial);
      stop.abort();
      await proxy.done;
      assert.deepEqual(warnings, []);
    });
});

describe("topology hints", () => {
  const node = (zone?: string): Node => ({
    metadata: { name: "n0", ...(zone ? { labels: { "topology.kubernetes.io/zone": zone } } : {}) },
  });
  const hinted = (a: object, b: object): void => {
    api.put(
      refs.endpointSlices,
      slice("web", [
        { place: lab.pod.a0!, ...a },
        { place: lab.pod.a1!, ...b },
      ]),
    );
  };
  /** Waits until twelve connections reach just these, at least one each. */
  async function reaches(...want: string[]): Promise<void> {
    const end = performance.now() + 3000;
    for (;;) {
      const seen = new Set<string>();
      for (let i = 0; i < 12 * want.length; i++) {
        const { name, error } = await lab.pod.b0!.dial(ip, 80);
        seen.add(name ?? error!);
      }
      const got = [...seen].sort();
      if (JSON.stringify(got) === JSON.stringify([...want].sort())) return;
      if (performance.now() > end) assert.deepEqual(got, [...want].sort());
    }
  }

  test("zones: the own one's endpoints, also after the node has moved, and all where it has none or none is there", async () => {
    api.put(refs.nodes, node("a"));
    api.put(refs.services, service("web", ip));
    hinted({ forZones: ["a"] }, { forZones: ["b"] });
    proxy = start();
    await proxy.synced;
    await reaches("a0");
    api.put(refs.nodes, node("b"));
    await reaches("a1");
    api.put(refs.nodes, node());
    await reaches("a0", "a1");
    api.put(refs.nodes, node("c"));
    await reaches("a0", "a1");
    api.put(refs.nodes, node("a"));
    await reaches("a0");
    // One hint is missing: nobody's counts.
    hinted({ forZones: ["a"] }, {});
    await reaches("a0", "a1");
    // Who is not ready needs none, and is no reason to stay in the zone.
    hinted({ forZones: ["a"] }, { ready: false });
    await reaches("a0");
    hinted({ forZones: ["a"], ready: false }, { forZones: ["b"] });
    await reaches("a1");
  });

  test("nodes before zones; zones where no endpoint is for this node; several zones for one", async () => {
    api.put(refs.nodes, node("a"));
    api.put(refs.services, service("web", ip));
    proxy = start();
    await proxy.synced;
    hinted({ forZones: ["a"], forNodes: ["n1"] }, { forZones: ["b"], forNodes: ["n0"] });
    await reaches("a1");
    hinted({ forZones: ["a"], forNodes: ["n1"] }, { forZones: ["b"], forNodes: ["n1"] });
    await reaches("a0");
    hinted({ forZones: ["a"], forNodes: ["n0"] }, { forZones: ["b"] });
    await reaches("a0");
    hinted({ forZones: ["b", "a"] }, { forZones: ["a", "c"] });
    await reaches("a0", "a1");
  });

  test("policy Local is not narrowed by hints", async () => {
    api.put(refs.nodes, node("a"));
    api.put(refs.services, service("web", ip, { internalTrafficPolicy: "Local" }));
    hinted({ forZones: ["b"] }, { forZones: ["a"] });
    proxy = start();
    await proxy.synced;
    await reaches("a0");
  });
});
