// The proxy's loop against an API and a kernel: changes arrive, a flushed table comes back, a restart changes nothing.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as refs from "../../src/core/api/refs.ts";
import type { Node, Pod } from "../../src/core/api/types.ts";
import { createHealthPorts, serveProxyHttp } from "../../src/edge/proxy-http/mod.ts";
import { type Answer, nodeAddress, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProxyRig } from "./proxy-rig.ts";

const rig = openProxyRig([["a0", "b0"], ["a1"]], 2000);
const { becomes } = rig;

const nft = (command: string): Promise<string> => rig.onNode("nft", command);

/** The whole table but what clients left in it. */
const listing = async (): Promise<string> =>
  (await nft("list table ip portolan-lab")).replace(/map affinity \{[^}]*(\{[^}]*\}\s*)?\}/, "");

const pick = async (answer: Promise<Answer>): Promise<unknown[]> => {
  const { name, client } = await answer;
  return [name, client];
};

const ip = "10.96.0.50";

describe("the proxy", () => {
  test("follows Services and EndpointSlices", async () => {
    rig.api.put(refs.services, service("web", ip));
    await rig.start();
    const { b0 } = rig.lab.pod;
    const dial = () => b0!.dial(ip, 80);
    await becomes("ECONNREFUSED", dial);
    rig.api.put(refs.endpointSlices, slice("web", [rig.lab.pod.a0!]));
    await becomes("a0", dial);
    rig.api.put(refs.endpointSlices, slice("web", [rig.lab.pod.b0!]));
    await becomes("b0", dial);
    rig.api.remove(refs.endpointSlices, "default/web-1");
    await becomes("ECONNREFUSED", dial);
    rig.api.remove(refs.services, "default/web");
    await becomes("timeout", dial);
    await rig.end();
    assert.deepEqual(rig.proxy.warnings, []);
  });

  test("leaves Services and slices alone that a label gives to others, as long as it is there", async () => {
    rig.api.put(refs.services, service("web", ip));
    rig.api.put(refs.endpointSlices, slice("web", [rig.lab.pod.a0!]));
    const second = slice("web", [rig.lab.pod.b0!]);
    second.metadata.name = "web-2";
    rig.api.put(refs.endpointSlices, second);
    const label = (at: refs.ResourceRef, key: string, name?: string): void => {
      rig.api.change(at, key, (o) => {
        const { "kubernetes.io/service-name": of } = o.metadata.labels ?? {};
        o.metadata.labels = {
          ...(of ? { "kubernetes.io/service-name": of } : {}),
          ...(name ? { [name]: "" } : {}),
        };
      });
    };
    label(refs.endpointSlices, "default/web-2", "service.kubernetes.io/headless");
    await rig.start();
    const dial = () => rig.lab.pod.b0!.dial(ip, 80);
    for (let i = 0; i < 8; i++) assert.equal((await dial()).name, "a0");
    label(refs.endpointSlices, "default/web-1", "service.kubernetes.io/service-proxy-name");
    await becomes("ECONNREFUSED", dial);
    label(refs.endpointSlices, "default/web-2");
    await becomes("b0", dial);
    for (const name of ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"]) {
      label(refs.services, "default/web", name);
      await becomes("timeout", dial);
      label(refs.services, "default/web");
      await becomes("b0", dial);
    }
    await rig.end();
    assert.deepEqual(rig.proxy.warnings, []);
  });

  test("maps host ports of the node's pods, and only those", async () => {
    const { a0, b0, a1 } = rig.lab.pod as Record<string, Place>;
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
    await rig.start();
    rig.api.put(refs.pods, pod(a0!, { hostIP: "127.0.0.1" }));
    rig.api.put(refs.pods, pod(b0!, { hostIP: at }));
    await becomes("b0", () => rig.lab.host.dial(at, 5432));
    await becomes("a0", () => rig.lab.node[0]!.dial("127.0.0.1", 5432));
    assert.equal((await rig.lab.node[0]!.dial("127.0.0.1", 5432, { from: at })).name, "a0");
    // The source stays, but where the answer would not find back.
    assert.deepEqual(await pick(rig.lab.host.dial(at, 5432)), ["b0", rig.lab.hostAddress]);
    assert.deepEqual(await pick(a0!.dial(at, 5432)), ["b0", a0!.address]);
    assert.deepEqual(await pick(a1!.dial(at, 5432)), ["b0", a1!.address]);
    assert.equal((await b0!.dial(at, 5432)).name, "b0");
    assert.equal((await rig.lab.node[0]!.dial(at, 5432)).name, "b0");
    assert.equal((await rig.lab.node[1]!.dial(at, 5432)).name, "b0");

    // UDP on the same port and address is another pod's; TCP of what has ended goes.
    rig.api.put(refs.pods, pod(b0!, { hostIP: at }, { phase: "Succeeded" }));
    await becomes("ECONNREFUSED", () => rig.lab.host.dial(at, 5432));
    rig.api.put(refs.pods, pod(b0!, { protocol: "UDP" }));
    await becomes("b0", () => rig.lab.host.dial(at, 5432, { proto: "udp" }));
    assert.deepEqual(await rig.lab.host.dial(at, 5432), { error: "ECONNREFUSED" });
    rig.api.remove(refs.pods, "default/b0");
    await becomes("ECONNREFUSED", () => rig.lab.host.dial(at, 5432, { proto: "udp" }));
    // Pods of other nodes are not this proxy's.
    rig.api.put(refs.pods, pod(a1!, {}));
    rig.api.put(refs.pods, pod(a0!, { hostPort: 5433 }));
    await becomes("a0", () => rig.lab.host.dial(at, 5433));
    assert.deepEqual(await rig.lab.host.dial(at, 5432), { error: "ECONNREFUSED" });
    assert.deepEqual(rig.proxy.warnings, []);
  });

  test("a restart finds the table right and changes nothing; what changed meanwhile is the only change", async () => {
    const { a0, b0 } = rig.lab.pod as Record<string, Place>;
    rig.api.put(refs.services, service("web", ip));
    rig.api.put(
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
    rig.api.put(refs.endpointSlices, slice("web", [a0!, b0!]));
    rig.api.put(refs.endpointSlices, slice("more", [b0!, a0!]));
    for (const place of [a0!, b0!])
      rig.api.put(refs.pods, {
        metadata: { namespace: "default", name: place.name },
        spec: {
          nodeName: "n0",
          containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: place === a0 ? 5432 : 5433 }] }],
        },
        status: { podIP: place.address, phase: "Running" },
      } as Pod);
    await rig.start();
    await becomes("a0", () => b0!.dial(ip, 80));
    // Change the order in which endpoints fill the slots, so that a fresh plan would number them otherwise.
    const lists = async (element: string) => ({ name: (await listing()).includes(element) ? "yes" : "no" });
    rig.api.put(refs.endpointSlices, slice("web", [b0!]));
    await becomes("yes", () => lists("0x00000000 . 0x00000001 : 10.244.0.3 . 80"));
    rig.api.put(refs.endpointSlices, slice("web", [a0!, b0!]));
    await becomes("yes", () => lists("0x00000001 . 0x00000001 : 10.244.0.2 . 80"));
    assert.equal((await rig.lab.host.dial("172.30.200.7", 80)).error, undefined);
    await rig.end();

    const before = await listing();
    const { scripts, warnings } = await rig.start();
    assert.deepEqual(scripts, [], `${before}\n${warnings}`);
    assert.equal(await listing(), before);
    await rig.end();
    assert.deepEqual(scripts, []);

    rig.api.remove(refs.services, "default/more");
    const all = (await rig.start()).scripts.join("---");
    assert.match(all, /^delete element/);
    assert.doesNotMatch(all, /delete table|---/);
    assert.deepEqual(await rig.lab.host.dial("172.30.200.7", 80), { error: "timeout" });
    assert.equal((await b0!.dial(ip, 80)).error, undefined);
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
      rig.api.put(refs.services, service("web", ip));
      rig.api.put(refs.endpointSlices, slice("web", [rig.lab.pod.a0!]));
      await rig.start();
      const dial = () => rig.lab.pod.b0!.dial(ip, 80);
      await becomes("a0", dial);
      await new Promise((r) => setTimeout(r, 100));
      await nft(command);
      assert.notEqual((await dial()).name, "a0");
      await becomes("a0", dial, 5000);
    });

  test("health, metrics and the health check node port", async () => {
    const vip = service("lb", "10.96.0.60", {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 32000,
      ports: [{ port: 80, nodePort: 30080 }],
    });
    rig.api.put(refs.services, vip);
    rig.api.put(refs.nodes, { metadata: { name: "n0" } });
    const { proxy } = await rig.start({ healthPorts: createHealthPorts(assert.fail) });
    const http = serveProxyHttp({ proxy, onError: assert.fail });
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
    const own = slice("lb", [rig.lab.pod.a0!]);
    own.metadata.annotations = {
      "endpoints.kubernetes.io/last-change-trigger-time": new Date().toISOString(),
    };
    rig.api.put(refs.endpointSlices, own);
    await becomes("1", async () => ({ name: (await get(node)).weight! }));
    assert.equal((await get(node)).status, 200);
    assert.equal((await get("http://127.0.0.1:10256/healthz")).status, 200);
    assert.match((await get("http://127.0.0.1:10256/healthz")).text, /"lastUpdated":".*"nodeEligible":true/);
    // A node that the autoscaler is about to take away: no new traffic, though all is well with the proxy.
    rig.api.change(refs.nodes, "n0", (n) => {
      n.spec = { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] };
    });
    await becomes("503", async () => ({ name: `${(await get("http://127.0.0.1:10256/healthz")).status}` }));
    assert.equal((await get("http://127.0.0.1:10256/livez")).status, 200);
    assert.equal((await get(node)).status, 200);
    assert.equal((await get("http://127.0.0.1:10249/proxyMode")).text, "nftables");
    const { text } = await get("http://127.0.0.1:10249/metrics");
    assert.match(text, /kubeproxy_sync_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/);
    assert.match(text, /kubeproxy_network_programming_duration_seconds_count\{ip_family="IPv4"\} 1\n/);
    rig.api.remove(refs.services, "default/lb");
    await becomes("closed", () =>
      get(node).then(
        () => ({ name: "open" }),
        () => ({ name: "closed" }),
      ),
    );
    http.close();
  });

  test("tables of others are left alone", async () => {
    await nft("add table ip stranger");
    await nft("add chain ip stranger x");
    rig.api.put(refs.services, service("web", ip));
    await rig.start();
    await rig.end();
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
    ["by the cluster IP", () => rig.lab.pod.b0!, ip, 53],
    ["by the node port", () => rig.lab.host, nodeAddress(0), 30053],
  ];
  for (const [how, from, address, port] of ways)
    test(`${how}: move to a living endpoint, end with the last, end with the Service, begin with it`, async () => {
      const { a0, b0 } = rig.lab.pod as Record<string, Place>;
      rig.api.put(refs.services, web());
      rig.api.put(refs.endpointSlices, on([a0!]));
      await rig.start();
      const dial = () => from().dial(address, port, client);
      await becomes("a0", dial);
      rig.api.put(refs.endpointSlices, on([b0!]));
      await becomes("b0", dial);
      rig.api.put(refs.endpointSlices, on([]));
      await becomes("ECONNREFUSED", dial);
      rig.api.put(refs.endpointSlices, on([a0!]));
      await becomes("a0", dial);
      rig.api.remove(refs.services, "default/web");
      await becomes(port === 53 ? "timeout" : "ECONNREFUSED", dial);
      rig.api.put(refs.services, web());
      await becomes("a0", dial);
      await rig.end();
      assert.deepEqual(rig.proxy.warnings, []);
    });
});

describe("topology hints", () => {
  const node = (zone?: string): Node => ({
    metadata: { name: "n0", ...(zone ? { labels: { "topology.kubernetes.io/zone": zone } } : {}) },
  });
  const hinted = (a: object, b: object): void => {
    rig.api.put(
      refs.endpointSlices,
      slice("web", [
        { place: rig.lab.pod.a0!, ...a },
        { place: rig.lab.pod.a1!, ...b },
      ]),
    );
  };
  /** Waits until twelve connections reach just these, at least one each. */
  async function reaches(...want: string[]): Promise<void> {
    const end = performance.now() + 3000;
    for (;;) {
      const seen = new Set<string>();
      for (let i = 0; i < 12 * want.length; i++) {
        const { name, error } = await rig.lab.pod.b0!.dial(ip, 80);
        seen.add(name ?? error!);
      }
      const got = [...seen].sort();
      if (JSON.stringify(got) === JSON.stringify([...want].sort())) return;
      if (performance.now() > end) assert.deepEqual(got, [...want].sort());
    }
  }

  test("zones: the own one's endpoints, also after the node has moved, and all where it has none or none is there", async () => {
    rig.api.put(refs.nodes, node("a"));
    rig.api.put(refs.services, service("web", ip));
    hinted({ forZones: ["a"] }, { forZones: ["b"] });
    await rig.start();
    await reaches("a0");
    rig.api.put(refs.nodes, node("b"));
    await reaches("a1");
    rig.api.put(refs.nodes, node());
    await reaches("a0", "a1");
    rig.api.put(refs.nodes, node("c"));
    await reaches("a0", "a1");
    rig.api.put(refs.nodes, node("a"));
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
    rig.api.put(refs.nodes, node("a"));
    rig.api.put(refs.services, service("web", ip));
    await rig.start();
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
    rig.api.put(refs.nodes, node("a"));
    rig.api.put(refs.services, service("web", ip, { internalTrafficPolicy: "Local" }));
    hinted({ forZones: ["b"] }, { forZones: ["a"] });
    await rig.start();
    await reaches("a0");
  });
});
