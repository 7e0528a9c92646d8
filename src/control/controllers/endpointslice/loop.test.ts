import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { makeNode, makePod, makeService } from "../../../../test/support/pod-objects.ts";
import { endpointSlices, endpoints, events, nodes, pods, services } from "../../../core/api/refs.ts";
import { startEndpoints } from "../endpoints/mod.ts";
import { startEndpointSliceMirroring } from "../endpointslicemirroring/mod.ts";
import { startEndpointSlices } from "./mod.ts";

const starts = [startEndpointSlices, startEndpoints, startEndpointSliceMirroring];

test("a pod's readiness is in the slice and the Endpoints within milliseconds", async (t) => {
  const { cluster } = await startRig(t, starts);
  cluster.put(nodes, makeNode("n1"));
  cluster.put(services, makeService());
  cluster.put(pods, makePod("a", { ready: false }));
  const slice = () => cluster.all(endpointSlices)[0];
  await eventually(() => assert.equal(slice()?.endpoints?.[0]?.conditions?.ready, false));
  const times: number[] = [];
  for (let i = 0; i < 40; i++) {
    const ready = i % 2 === 0;
    const start = performance.now();
    cluster.change(pods, "default/a", (p) => {
      p.status!.conditions![0]!.status = ready ? "True" : "False";
    });
    while (slice()!.endpoints![0]!.conditions!.ready !== ready) await new Promise((r) => setImmediate(r));
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  // The median: a busy machine may hold up some, a loop that gathers changes would hold up all.
  assert.ok(times[20]! < 20, `median ${times[20]} ms`);
  await eventually(() =>
    assert.deepEqual(cluster.find(endpoints, "default/web")?.subsets?.[0]?.notReadyAddresses?.length, 1),
  );
  assert.equal(cluster.all(endpointSlices).length, 1);
  assert.equal(
    slice()!.metadata.annotations?.["endpoints.kubernetes.io/last-change-trigger-time"],
    undefined,
  );
});

test("250 pods fill three slices while the cache lags, with no slice made in vain", async (t) => {
  const { cluster } = await startRig(t, starts);
  cluster.lag = 10;
  cluster.put(nodes, makeNode("n1"));
  cluster.put(services, makeService());
  for (let i = 0; i < 250; i++) cluster.put(pods, makePod(`p${i}`, { ip: `10.0.${i >> 7}.${i & 127}` }));
  const counts = (): number[] => cluster.all(endpointSlices).map((s) => s.endpoints!.length);
  await eventually(() =>
    assert.equal(
      counts().reduce((a, b) => a + b, 0),
      250,
    ),
  );
  assert.ok(counts().length <= 4, counts().join());
});

test("a slice that somebody tampered with is set right", async (t) => {
  const { cluster } = await startRig(t, starts);
  cluster.put(nodes, makeNode("n1"));
  cluster.put(services, makeService());
  cluster.put(pods, makePod("a"));
  await eventually(() => assert.equal(cluster.all(endpointSlices)[0]?.endpoints?.length, 1));
  cluster.change(endpointSlices, `default/${cluster.all(endpointSlices)[0]!.metadata.name}`, (s) => {
    s.endpoints = [];
  });
  await eventually(() => assert.equal(cluster.all(endpointSlices)[0]?.endpoints?.length, 1));
  cluster.remove(endpointSlices, `default/${cluster.all(endpointSlices)[0]!.metadata.name}`);
  await eventually(() => assert.equal(cluster.all(endpointSlices)[0]?.endpoints?.length, 1));
});

test("Endpoints go with their Service, hand-written ones without a Service stay", async (t) => {
  const { cluster } = await startRig(t, starts);
  cluster.put(endpoints, { metadata: { name: "alone" } });
  cluster.put(services, makeService());
  await eventually(() => assert.ok(cluster.find(endpoints, "default/web")));
  cluster.remove(services, "default/web");
  await eventually(() => assert.equal(cluster.find(endpoints, "default/web"), undefined));
  assert.ok(cluster.find(endpoints, "default/alone"));
});

test("hand-written Endpoints are mirrored, follow changes, and go", async (t) => {
  const { cluster } = await startRig(t, starts);
  const service = makeService();
  delete service.spec!.selector;
  cluster.put(services, service);
  cluster.put(endpoints, {
    metadata: { name: "web", labels: { own: "x" } },
    subsets: [
      {
        addresses: [{ ip: "192.0.2.1" }],
        notReadyAddresses: [{ ip: "2001:db8::1" }],
        ports: [{ name: "http", port: 80, protocol: "TCP" }],
      },
    ],
  });
  const told = () =>
    cluster
      .all(endpointSlices)
      .map((s) => [s.addressType, s.endpoints!.map((e) => [e.addresses[0], e.conditions])]);
  await eventually(() =>
    assert.deepEqual(told().sort(), [
      ["IPv4", [["192.0.2.1", { ready: true }]]],
      ["IPv6", [["2001:db8::1", { ready: false }]]],
    ]),
  );
  assert.deepEqual(cluster.all(endpointSlices)[0]!.metadata.labels, {
    own: "x",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
  });
  cluster.change(endpoints, "default/web", (e) => {
    e.subsets = [{ addresses: [{ ip: "192.0.2.2" }], ports: e.subsets![0]!.ports! }];
  });
  await eventually(() => assert.deepEqual(told(), [["IPv4", [["192.0.2.2", { ready: true }]]]]));
  cluster.change(endpoints, "default/web", (e) => {
    e.metadata.labels = { "endpointslice.kubernetes.io/skip-mirror": "true" };
  });
  await eventually(() => assert.deepEqual(told(), []));
});

test("a node's new zone is in the slices and their hints; topology mode Auto comes first and says what it does", async (t) => {
  const { cluster } = await startRig(t, starts);
  const node = (name: string, zone: string) => ({
    ...makeNode(name, zone),
    status: { allocatable: { cpu: "1" }, conditions: [{ type: "Ready", status: "True" }] },
  });
  cluster.put(nodes, node("n1", "z1"));
  cluster.put(nodes, node("n2", "z2"));
  cluster.put(services, makeService({ trafficDistribution: "PreferSameZone" }));
  cluster.put(pods, makePod("a", { ip: "10.0.0.1" }));
  const b = makePod("b", { ip: "10.0.0.2" });
  cluster.put(pods, { ...b, spec: { ...b.spec!, nodeName: "n2" } });
  const hints = (): unknown =>
    cluster
      .all(endpointSlices)[0]
      ?.endpoints?.map((e) => [e.zone, e.hints?.forZones?.map((z) => z.name).join()]);
  await eventually(() =>
    assert.deepEqual(hints(), [
      ["z1", "z1"],
      ["z2", "z2"],
    ]),
  );
  cluster.change(nodes, "n1", (n) => {
    n.metadata.labels!["topology.kubernetes.io/zone"] = "z2";
  });
  await eventually(() =>
    assert.deepEqual(hints(), [
      ["z2", "z2"],
      ["z2", "z2"],
    ]),
  );
  const told = (): string[] =>
    cluster.all(events).flatMap((e) => (e.reason?.startsWith("Topology") ? [`${e.type} ${e.message}`] : []));
  cluster.change(services, "default/web", (s) => {
    s.metadata.annotations = { "service.kubernetes.io/topology-mode": "Auto" };
  });
  await eventually(() =>
    assert.deepEqual(hints(), [
      ["z2", undefined],
      ["z2", undefined],
    ]),
  );
  await eventually(() =>
    assert.deepEqual(told(), [
      "Warning Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4",
    ]),
  );
  cluster.change(nodes, "n1", (n) => {
    n.metadata.labels!["topology.kubernetes.io/zone"] = "z1";
  });
  await eventually(() =>
    assert.deepEqual(hints(), [
      ["z1", "z1"],
      ["z2", "z2"],
    ]),
  );
  await eventually(() =>
    assert.ok(told().includes("Normal Topology Aware Hints has been enabled, addressType: IPv4")),
  );
});
