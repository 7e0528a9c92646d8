import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerPort, Pod } from "../api/types.ts";
import { hasHostPorts, type NodeFacts, resolveHostPorts, routeConnection } from "./mod.ts";

const facts: NodeFacts = {
  family: "ip",
  nodeName: "n0",
  zone: "",
  nodeAddresses: ["172.30.0.11"],
  podRanges: ["10.244.0.0/24"],
  serviceRanges: ["10.96.0.0/16"],
  localAddresses: [],
};

function pod(port: Partial<ContainerPort>, spec: object = {}, status: object = {}): Pod {
  return {
    metadata: { namespace: "default", name: "web" },
    spec: { nodeName: "n0", containers: [{ name: "c", ports: [{ containerPort: 80, ...port }] }], ...spec },
    status: { phase: "Running", podIP: "10.244.0.9", podIPs: [{ ip: "10.244.0.9" }], ...status },
  } as Pod;
}

const frontends = (p: Pod, where = facts): string[] =>
  (resolveHostPorts(p, where)?.ports ?? []).flatMap((port) =>
    port.frontends.map(
      (f) =>
        `${f.address ?? "node"}:${f.port}/${port.protocol} -> ${port.groups.local[0]!.address}:${port.groups.local[0]!.port}`,
    ),
  );

const six: NodeFacts = { ...facts, family: "ip6", nodeAddresses: ["fd00::11"], podRanges: ["fd00:1::/64"] };
const both = { podIPs: [{ ip: "10.244.0.9" }, { ip: "fd00:1::9" }] };

const rows: [name: string, pod: Pod, want: string[], where?: NodeFacts][] = [
  ["no host port", pod({}), []],
  [
    "any address",
    pod({ hostPort: 8080 }),
    ["node:8080/tcp -> 10.244.0.9:80", "127.0.0.1:8080/tcp -> 10.244.0.9:80"],
  ],
  [
    "0.0.0.0 is any address",
    pod({ hostPort: 8080, hostIP: "0.0.0.0", protocol: "UDP" }),
    ["node:8080/udp -> 10.244.0.9:80", "127.0.0.1:8080/udp -> 10.244.0.9:80"],
  ],
  ["one address", pod({ hostPort: 8080, hostIP: "172.30.0.11" }), ["172.30.0.11:8080/tcp -> 10.244.0.9:80"]],
  ["loopback", pod({ hostPort: 8080, hostIP: "127.0.0.1" }), ["127.0.0.1:8080/tcp -> 10.244.0.9:80"]],
  ["the other family's address", pod({ hostPort: 8080, hostIP: "fd00::11" }), []],
  ["IPv6", pod({ hostPort: 8080 }, {}, both), ["node:8080/tcp -> [fd00:1::9]:80".replace(/[[\]]/g, "")], six],
  ["IPv6 loopback", pod({ hostPort: 8080, hostIP: "::1" }, {}, both), ["::1:8080/tcp -> fd00:1::9:80"], six],
  ["another node's pod", pod({ hostPort: 8080 }, { nodeName: "n1" }), []],
  ["a pod on the node's own network", pod({ hostPort: 8080 }, { hostNetwork: true }), []],
  ["a pod without an address yet", pod({ hostPort: 8080 }, {}, { podIP: "", podIPs: [] }), []],
  ["a pod that has ended", pod({ hostPort: 8080 }, {}, { phase: "Succeeded" }), []],
  [
    "a sidecar's port",
    pod(
      {},
      {
        initContainers: [
          { name: "s", restartPolicy: "Always", ports: [{ containerPort: 90, hostPort: 9090 }] },
          { name: "once", ports: [{ containerPort: 91, hostPort: 9191 }] },
        ],
      },
    ),
    ["node:9090/tcp -> 10.244.0.9:90", "127.0.0.1:9090/tcp -> 10.244.0.9:90"],
  ],
];
for (const [name, p, want, where] of rows)
  test(`host ports: ${name}`, () => assert.deepEqual(frontends(p, where), want));

test("pods on the node's own network need no routing", () => {
  assert.equal(hasHostPorts(pod({ hostPort: 80 })), true);
  assert.equal(hasHostPorts(pod({ hostPort: 80 }, { hostNetwork: true })), false);
  assert.equal(hasHostPorts(pod({})), false);
});

const dials: [name: string, source: string, destination: string, want: string][] = [
  ["from outside the source stays", "172.30.0.1", "172.30.0.11", "10.244.0.9 kept"],
  ["from another pod of the node too", "10.244.0.7", "172.30.0.11", "10.244.0.9 kept"],
  ["the node's own source is masqueraded", "172.30.0.11", "172.30.0.11", "10.244.0.9 masqueraded"],
  ["the pod that reaches itself is masqueraded", "10.244.0.9", "172.30.0.11", "10.244.0.9 masqueraded"],
  ["loopback", "127.0.0.1", "127.0.0.1", "10.244.0.9 masqueraded"],
  ["loopback from the node's address", "172.30.0.11", "127.0.0.1", "10.244.0.9 masqueraded"],
  ["loopback from outside", "172.30.0.1", "127.0.0.1", "drop"],
];
for (const [name, source, destination, want] of dials)
  test(`a connection to a host port: ${name}`, () => {
    const routing = resolveHostPorts(pod({ hostPort: 8080 }), facts)!;
    const route = routeConnection([routing], facts, { source, destination, protocol: "tcp", port: 8080 });
    const said =
      route.kind === "forward"
        ? `${route.endpoints[0]!.address} ${route.masqueraded(route.endpoints[0]!) ? "masqueraded" : "kept"}`
        : route.kind;
    assert.equal(said, want);
  });

const dials6: [name: string, source: string, want: string][] = [
  ["from the node's address", "fd00::11", "fd00:1::9 masqueraded"],
  ["from outside", "fd00::1", "drop"],
];
for (const [name, source, want] of dials6)
  test(`a connection to a host port of ::1 ${name}`, () => {
    const routing = resolveHostPorts(pod({ hostPort: 8080, hostIP: "::1" }, {}, both), six)!;
    const route = routeConnection([routing], six, {
      source,
      destination: "::1",
      protocol: "tcp",
      port: 8080,
    });
    const said =
      route.kind === "forward"
        ? `${route.endpoints[0]!.address} ${route.masqueraded(route.endpoints[0]!) ? "masqueraded" : "kept"}`
        : route.kind;
    assert.equal(said, want);
  });
