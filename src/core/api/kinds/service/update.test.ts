import assert from "node:assert/strict";
import { test } from "node:test";
import { createService, ctx, makeService } from "../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { Service } from "../../types.ts";
import { normalizeServiceClusterIPs, service } from "./mod.ts";

/** A stored Service, its values allocated. */
function stored(spec: Record<string, unknown>): Service {
  const s = createService(spec);
  if (s.spec!.type !== "ExternalName" && !s.spec!.clusterIP) {
    s.spec!.clusterIP = "10.96.0.50";
    s.spec!.clusterIPs = ["10.96.0.50"];
  }
  if (s.spec!.type === "NodePort" || s.spec!.type === "LoadBalancer")
    for (const [i, p] of s.spec!.ports!.entries()) p.nodePort ??= 30080 + i;
  return s;
}

function update(old: Service, change: (s: Service) => void): { s: Service; errors: string[] } {
  const s = structuredClone(old);
  change(s);
  service.setDefaults!(s);
  service.prepareForUpdate!(s, old, ctx);
  return { s, errors: service.validateUpdate!(s, old, ctx).map(fieldErrorMessage) };
}

test("patching ClusterIP to NodePort, back, and to ExternalName", () => {
  const a = update(stored({}), (s) => {
    s.spec!.type = "NodePort";
  });
  assert.deepEqual(a.errors, []);
  assert.equal(a.s.spec!.externalTrafficPolicy, "Cluster");
  a.s.spec!.ports![0]!.nodePort = 30080;
  const b = update(a.s, (s) => {
    s.spec!.type = "ClusterIP";
  });
  assert.deepEqual(b.errors, []);
  assert.equal(b.s.spec!.ports![0]!.nodePort, undefined);
  assert.equal(b.s.spec!.externalTrafficPolicy, undefined);
  assert.equal(b.s.spec!.clusterIP, "10.96.0.50");
  const c = update(b.s, (s) => {
    s.spec!.type = "ExternalName";
    s.spec!.externalName = "example.com";
  });
  assert.deepEqual(c.errors, []);
  assert.deepEqual(
    [c.s.spec!.clusterIP, c.s.spec!.clusterIPs, c.s.spec!.ipFamilies, c.s.spec!.ipFamilyPolicy],
    [undefined, undefined, undefined, undefined],
  );
  const d = update(c.s, (s) => {
    s.spec!.type = "ClusterIP";
  });
  assert.deepEqual(d.errors, []);
  assert.deepEqual(d.s.spec!.ipFamilies, ["IPv4"]);
});

test("an update that leaves out what was allocated keeps it", () => {
  const old = stored({ type: "NodePort", ports: [{ name: "a", port: 80 }] });
  const { s, errors } = update(old, (s) => {
    s.spec = { type: "NodePort", ports: [{ name: "a", port: 81 }] };
  });
  assert.deepEqual(errors, []);
  assert.equal(s.spec!.clusterIP, "10.96.0.50");
  assert.deepEqual(s.spec!.clusterIPs, ["10.96.0.50"]);
  assert.equal(s.spec!.ports![0]!.nodePort, 30080);
});

test("a node port moves to no second port", () => {
  const old = stored({ type: "NodePort", ports: [{ name: "a", port: 80 }] });
  const { s } = update(old, (s) => {
    s.spec!.ports = [
      { name: "a", port: 80 },
      { name: "b", port: 81, nodePort: 30080 },
    ];
  });
  assert.equal(s.spec!.ports![0]!.nodePort, undefined);
});

test("the cluster IP may not change", () => {
  const { errors } = update(stored({}), (s) => {
    s.spec!.clusterIP = "10.96.0.51";
  });
  assert.deepEqual(errors, ['spec.clusterIPs[0]: Invalid value: ["10.96.0.51"]: may not change once set']);
});

test("a headless Service may not get an address", () => {
  const { errors } = update(stored({ clusterIP: "None", selector: { a: "b" } }), (s) => {
    s.spec!.clusterIP = "10.96.0.51";
  });
  assert.deepEqual(errors, ['spec.clusterIPs[0]: Invalid value: ["10.96.0.51"]: may not change once set']);
});

test("the main endpoint does not change status, nor the status endpoint spec", () => {
  const old = stored({ type: "LoadBalancer" });
  const main = update(old, (s) => {
    s.status = { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } };
  });
  assert.deepEqual(main.s.status, { loadBalancer: {} });
  const s = structuredClone(old);
  s.spec!.type = "ClusterIP";
  s.status = { loadBalancer: { ingress: [{ ip: "1.2.3.4", ipMode: "VIP" }] } };
  service.prepareForStatusUpdate!(s, old, ctx);
  assert.equal(s.spec!.type, "LoadBalancer");
  assert.deepEqual(service.validateStatusUpdate!(s, old), []);
});

test("status of a Service that is no load balancer has no ingress", () => {
  const old = stored({});
  const s = structuredClone(old);
  s.status = { loadBalancer: { ingress: [{ ip: "1.2.3.4", ipMode: "VIP" }] } };
  assert.deepEqual(service.validateStatusUpdate!(s, old).map(fieldErrorMessage), [
    "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
  ]);
});

const clusterIPs: [
  name: string,
  old: [string, string[]] | undefined,
  now: [string, string[]],
  ips: string[],
][] = [
  ["create with clusterIP", undefined, ["10.0.0.1", []], ["10.0.0.1"]],
  [
    "update without clusterIPs",
    ["10.0.0.1", ["10.0.0.1", "fd00::1"]],
    ["10.0.0.1", []],
    ["10.0.0.1", "fd00::1"],
  ],
  ["update of clusterIP only", ["10.0.0.1", ["10.0.0.1"]], ["10.0.0.2", ["10.0.0.1"]], ["10.0.0.2"]],
  ["clusterIP cleared", ["10.0.0.1", ["10.0.0.1"]], ["", ["10.0.0.1"]], []],
  ["both changed", ["10.0.0.1", ["10.0.0.1"]], ["10.0.0.2", ["10.0.0.3"]], ["10.0.0.3"]],
];
for (const [name, old, now, ips] of clusterIPs)
  test(`normalizeServiceClusterIPs: ${name}`, () => {
    const of = ([clusterIP, list]: [string, string[]]) => makeService({ clusterIP, clusterIPs: list });
    const s = of(now);
    normalizeServiceClusterIPs(s, old && of(old));
    assert.deepEqual(s.spec!.clusterIPs ?? [], ips);
  });

const rows: [name: string, service: Service, cells: string][] = [
  ["ClusterIP", stored({}), "ClusterIP 10.96.0.50 <none> 80/TCP"],
  ["NodePort", stored({ type: "NodePort" }), "NodePort 10.96.0.50 <none> 80:30080/TCP"],
  ["LoadBalancer", stored({ type: "LoadBalancer" }), "LoadBalancer 10.96.0.50 <pending> 80:30080/TCP"],
  ["headless", stored({ clusterIP: "None" }), "ClusterIP None <none> 80/TCP"],
  [
    "ExternalName",
    stored({ type: "ExternalName", externalName: "example.com", ports: [] }),
    "ExternalName <none> example.com <none>",
  ],
];
for (const [name, s, cells] of rows)
  test(`columns: ${name}`, () =>
    assert.equal(
      service.columns
        .slice(1, 5)
        .map((c) => c.cell(s, 0))
        .join(" "),
      cells,
    ));

test("a write that nodes have to follow takes our conditions back, others leave them", () => {
  const condition = (type: string) => ({
    type,
    status: "True",
    reason: "Done",
    message: "",
    lastTransitionTime: "2025-01-01T00:00:00Z",
  });
  const old = stored({});
  old.status = { loadBalancer: {}, conditions: [condition("Mine"), condition("portolan.dev/Programmed")] };
  const shown = (s: Service): string[] =>
    (s.status?.conditions ?? []).map((c) => `${c.type} ${c.status} ${c.lastTransitionTime}`);
  const kept = ["Mine True 2025-01-01T00:00:00Z", "portolan.dev/Programmed True 2025-01-01T00:00:00Z"];
  const back = [kept[0]!, "portolan.dev/Programmed Unknown 2026-01-01T00:00:00Z"];
  const spec = structuredClone(old);
  spec.spec!.ports![0]!.targetPort = 8080;
  service.prepareForUpdate!(spec, old, ctx);
  assert.deepEqual(shown(spec), back);
  const labels = structuredClone(old);
  labels.metadata.labels = { a: "b" };
  service.prepareForUpdate!(labels, old, ctx);
  assert.deepEqual(shown(labels), kept);
  const address = structuredClone(old);
  address.status!.loadBalancer = { ingress: [{ ip: "172.30.200.1" }] };
  service.prepareForStatusUpdate!(address, old, ctx);
  assert.deepEqual(shown(address), back);
  assert.deepEqual(shown(old), kept);
});
