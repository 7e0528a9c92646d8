import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Endpoint, EndpointSlice, Service } from "../api/types.ts";
import { isProxied, type NodeFacts, resolveService } from "./mod.ts";

const facts: NodeFacts = {
  family: "ip",
  nodeName: "n0",
  zone: "z0",
  nodeAddresses: ["172.30.0.11"],
  podRanges: ["10.244.0.0/24"],
  serviceRanges: ["10.96.0.0/16"],
  localAddresses: [],
};

function service(spec: object = {}, more: object = {}): Service {
  return {
    metadata: { namespace: "default", name: "web" },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.1",
      clusterIPs: ["10.96.0.1"],
      ports: [{ port: 80, protocol: "TCP" }],
      ...spec,
    },
    ...more,
  } as Service;
}

function slice(endpoints: Partial<Endpoint>[], more: object = {}): EndpointSlice {
  return {
    metadata: { namespace: "default", name: "web-1" },
    addressType: "IPv4",
    ports: [{ name: "", protocol: "TCP", port: 8080 }],
    endpoints,
    ...more,
  } as EndpointSlice;
}

const at = (address: string, more: Partial<Endpoint> = {}): Partial<Endpoint> => ({
  addresses: [address],
  conditions: { ready: true },
  nodeName: "n1",
  ...more,
});
const ready = { ready: true, serving: true, terminating: false };
const leaving = { ready: false, serving: true, terminating: true };
const gone = { ready: false, serving: false, terminating: true };

function groups(s: Service, slices: EndpointSlice[], where: NodeFacts = facts) {
  const port = resolveService(s, slices, where)!.ports[0]!;
  return {
    cluster: port.groups.cluster.map((e) => e.address),
    local: port.groups.local.map((e) => e.address),
    empty: port.frontends.map((f) => f.whenEmpty),
  };
}

describe("which Services are proxied", () => {
  const rows: [string, Service, boolean][] = [
    ["ClusterIP", service(), true],
    ["headless", service({ clusterIP: "None" }), false],
    ["not allocated yet", service({ clusterIP: "" }), false],
    ["ExternalName", service({ type: "ExternalName", clusterIP: "" }), false],
    [
      "another proxy's",
      service(
        {},
        {
          metadata: { name: "x", namespace: "y", labels: { "service.kubernetes.io/service-proxy-name": "" } },
        },
      ),
      false,
    ],
  ];
  for (const [name, s, want] of rows) test(name, () => assert.equal(isProxied(s), want));
});

describe("which endpoints get traffic", () => {
  const hints = (zone: string) => ({ hints: { forZones: [{ name: zone }] } });
  const local = { nodeName: "n0" };
  const lb = { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [{ port: 80, nodePort: 30000 }] };
  const rows: [string, Service, Partial<Endpoint>[], { cluster: string[]; local?: string[] }][] = [
    [
      "ready, in order of address",
      service(),
      [at("10.244.1.3"), at("10.244.1.2")],
      { cluster: ["10.244.1.2", "10.244.1.3"] },
    ],
    [
      "unknown readiness is ready",
      service(),
      [at("10.244.1.2", { conditions: {} })],
      { cluster: ["10.244.1.2"] },
    ],
    ["not ready: none", service(), [at("10.244.1.2", { conditions: { ready: false } })], { cluster: [] }],
    [
      "terminating waits while a ready one is there",
      service(),
      [at("10.244.1.2", { conditions: leaving }), at("10.244.1.3", { conditions: ready })],
      { cluster: ["10.244.1.3"] },
    ],
    [
      "terminating serves when it is alone",
      service(),
      [at("10.244.1.2", { conditions: leaving }), at("10.244.1.3", { conditions: gone })],
      { cluster: ["10.244.1.2"] },
    ],
    [
      "serving without being ready or terminating: none",
      service(),
      [at("10.244.1.2", { conditions: { ready: false, serving: true } })],
      { cluster: [] },
    ],
    [
      "zone hints of all: the own zone's",
      service(),
      [at("10.244.1.2", hints("z0")), at("10.244.1.3", hints("z1"))],
      { cluster: ["10.244.1.2"] },
    ],
    [
      "one without a hint: all",
      service(),
      [at("10.244.1.2", hints("z0")), at("10.244.1.3")],
      { cluster: ["10.244.1.2", "10.244.1.3"] },
    ],
    [
      "no endpoint for the zone: all",
      service(),
      [at("10.244.1.2", hints("z1"))],
      { cluster: ["10.244.1.2"] },
    ],
    [
      "node hints come before zone hints",
      service(),
      [
        at("10.244.1.2", { hints: { forZones: [{ name: "z0" }], forNodes: [{ name: "n1" }] } }),
        at("10.244.0.2", { ...local, hints: { forZones: [{ name: "z0" }], forNodes: [{ name: "n0" }] } }),
      ],
      { cluster: ["10.244.0.2"] },
    ],
    [
      "externalTrafficPolicy Local keeps both lists",
      service(lb),
      [at("10.244.0.2", local), at("10.244.1.2")],
      { cluster: ["10.244.0.2", "10.244.1.2"], local: ["10.244.0.2"] },
    ],
    [
      "a local terminating one stands in locally",
      service(lb),
      [at("10.244.0.2", { ...local, conditions: leaving }), at("10.244.1.2")],
      { cluster: ["10.244.1.2"], local: ["10.244.0.2"] },
    ],
    [
      "the same endpoint in two slices counts once",
      service(),
      [at("10.244.1.2"), at("10.244.1.2")],
      { cluster: ["10.244.1.2"] },
    ],
    [
      "an address that is none is left out",
      service(),
      [at("10.244.01.2"), at("fd00::1"), at("10.244.1.2")],
      { cluster: ["10.244.1.2"] },
    ],
  ];
  for (const [name, s, endpoints, want] of rows)
    test(name, () => {
      const got = groups(s, [slice(endpoints)]);
      assert.deepEqual({ cluster: got.cluster, local: got.local }, { local: [], ...want });
    });
  test("a slice of the other family, port name or protocol is not meant", () => {
    const e = [at("10.244.1.2")];
    for (const more of [
      { addressType: "IPv6" },
      { ports: [{ name: "other", protocol: "TCP", port: 1 }] },
      { ports: [{ name: "", protocol: "UDP", port: 1 }] },
      { ports: [{ name: "", protocol: "TCP" }] },
    ])
      assert.deepEqual(groups(service(), [slice(e, more)]).cluster, []);
  });
});

describe("without a usable endpoint", () => {
  const remote = [at("10.244.1.2")];
  const rows: [string, Service, Partial<Endpoint>[], string[]][] = [
    ["nowhere: refused", service(), [], ["reject"]],
    [
      "internalTrafficPolicy Local, elsewhere: dropped",
      service({ internalTrafficPolicy: "Local" }),
      remote,
      ["drop"],
    ],
    [
      "internalTrafficPolicy Local, nowhere: refused",
      service({ internalTrafficPolicy: "Local" }),
      [],
      ["reject"],
    ],
    [
      "externalTrafficPolicy Local, elsewhere: the cluster IP works, the node port drops",
      service({ type: "NodePort", externalTrafficPolicy: "Local", ports: [{ port: 80, nodePort: 30000 }] }),
      remote,
      ["reject", "drop"],
    ],
  ];
  for (const [name, s, endpoints, want] of rows)
    test(name, () => assert.deepEqual(groups(s, [slice(endpoints)]).empty, want));
});

test("frontends of every kind", () => {
  const s = service(
    {
      type: "LoadBalancer",
      ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
      externalIPs: ["192.0.2.1", "not an address"],
      loadBalancerSourceRanges: ["10.0.0.0/8"],
    },
    {
      status: {
        loadBalancer: { ingress: [{ ip: "172.30.200.1" }, { ip: "172.30.200.2", ipMode: "Proxy" }] },
      },
    },
  );
  const { frontends } = resolveService(s, [], facts)!.ports[0]!;
  assert.deepEqual(
    frontends.map((f) => [f.kind, f.address, f.port, f.source, f.sourceRanges?.length]),
    [
      ["cluster-ip", "10.96.0.1", 80, "keep-pods", undefined],
      ["external-ip", "192.0.2.1", 80, "node", undefined],
      ["load-balancer", "172.30.200.1", 80, "node", 1],
      ["node-port", undefined, 30080, "node", undefined],
    ],
  );
});

describe("who may dial a load balancer", () => {
  const rows: [string, string[], string[]][] = [
    ["ranges that shut the node out", ["10.0.0.0/8"], ["10.0.0.0/8"]],
    [
      "ranges that let the node in: its own dials from the address itself too",
      ["172.30.0.0/24"],
      ["172.30.0.0/24", "172.30.200.1/32"],
    ],
    ["the other family's", ["fd00::/8"], ["fd00::/8"]],
  ];
  for (const [name, loadBalancerSourceRanges, want] of rows)
    test(name, () => {
      const s = service(
        { type: "LoadBalancer", loadBalancerSourceRanges },
        { status: { loadBalancer: { ingress: [{ ip: "172.30.200.1" }] } } },
      );
      const { frontends } = resolveService(s, [], facts)!.ports[0]!;
      assert.deepEqual(frontends.find((f) => f.kind === "load-balancer")!.sourceRanges, want);
    });
});

test("dual-stack: each family has its own addresses", () => {
  const s = service({
    clusterIPs: ["10.96.0.1", "fd00:96::1"],
    type: "NodePort",
    ports: [{ port: 80, nodePort: 30000 }],
  });
  const six = { ...facts, family: "ip6" as const };
  const v6 = slice([at("fd00:244:0::2")], { addressType: "IPv6" });
  const { frontends, groups: g } = resolveService(s, [slice([at("10.244.1.2")]), v6], six)!.ports[0]!;
  assert.deepEqual(
    frontends.map((f) => f.address),
    ["fd00:96::1", undefined],
  );
  assert.deepEqual(
    g.cluster.map((e) => e.address),
    ["fd00:244::2"],
  );
  const single = resolveService(
    service({ type: "NodePort", ports: [{ port: 80, nodePort: 30000 }] }),
    [],
    six,
  );
  assert.deepEqual(single!.ports[0]!.frontends, []);
});
