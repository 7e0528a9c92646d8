import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { MemoryCluster } from "../../../../test/support/memory-cluster.ts";
import { makePod, makeService } from "../../../../test/support/pod-objects.ts";
import { endpointSlices, events, leases, nodes, pods, services } from "../../../core/api/refs.ts";
import type { Node } from "../../../core/api/types.ts";
import { startEndpointSlices } from "../endpointslice/mod.ts";
import { startPodCollection } from "../podgc/mod.ts";
import { startTaintEviction } from "../tainteviction/mod.ts";
import { startNodeLifecycle } from "./mod.ts";

const lease = (name: string) => ({
  metadata: { name, namespace: "kube-node-lease" },
  spec: { renewTime: "1" },
});
const node = (name: string): Node => ({
  metadata: { name },
  status: { conditions: [{ type: "Ready", status: "True" }] },
});
const renew = (c: MemoryCluster, name: string): void =>
  void c.change(leases, `kube-node-lease/${name}`, (l) => {
    l.spec!.renewTime = `${Number(l.spec!.renewTime) + 1}`;
  });
const ready = (c: MemoryCluster, name: string): string =>
  c.find(nodes, name)!.status!.conditions!.find((x) => x.type === "Ready")!.status;
const taints = (c: MemoryCluster, name: string): string[] =>
  (c.find(nodes, name)!.spec?.taints ?? []).map((t) => `${t.key}:${t.effect}`);
const poke = (c: MemoryCluster, name: string): void =>
  void c.change(nodes, name, (n) => {
    n.metadata.annotations = { poke: String(Math.random()) };
  });

test("a silent node is declared unknown, its endpoints leave, its pods are driven away; it comes back", async (t) => {
  let skew = 0;
  const { cluster } = await startRig(t, [startNodeLifecycle, startTaintEviction, startEndpointSlices], {
    now: () => Date.now() + skew,
    prepare(c) {
      for (const n of ["n1", "n2"]) {
        c.put(nodes, node(n));
        c.put(leases, lease(n));
      }
      c.put(services, makeService());
      c.put(pods, makePod("a", { node: "n1" }));
      const patient = makePod("b", { node: "n1", ip: "10.0.0.2" });
      patient.spec!.tolerations = [
        {
          key: "node.kubernetes.io/unreachable",
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds: 300,
        },
      ];
      c.put(pods, patient);
      c.put(pods, makePod("c", { node: "n2", ip: "10.0.0.3" }));
    },
  });
  const readyAddresses = (): string[] =>
    cluster
      .all(endpointSlices)
      .flatMap((s) => s.endpoints!.filter((e) => e.conditions!.ready).map((e) => e.addresses[0]!))
      .sort();
  await eventually(() => assert.deepEqual(readyAddresses(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]));
  skew = 41_000;
  renew(cluster, "n2");
  await new Promise((r) => setTimeout(r, 5));
  poke(cluster, "n1");
  poke(cluster, "n2");
  await eventually(() => assert.equal(ready(cluster, "n1"), "Unknown"));
  await eventually(() => {
    assert.deepEqual(readyAddresses(), ["10.0.0.3"]);
    assert.deepEqual(taints(cluster, "n1"), [
      "node.kubernetes.io/unreachable:NoSchedule",
      "node.kubernetes.io/unreachable:NoExecute",
    ]);
    assert.ok(cluster.find(pods, "default/a")!.metadata.deletionTimestamp, "a is evicted");
  });
  assert.equal(ready(cluster, "n2"), "True");
  assert.equal(cluster.find(pods, "default/b")!.metadata.deletionTimestamp, undefined);
  await eventually(() =>
    assert.deepEqual(
      cluster
        .all(events)
        .map((e) => e.reason)
        .filter((r) => ["NodeNotReady", "TaintManagerEviction"].includes(r!))
        .sort(),
      ["NodeNotReady", "NodeNotReady", "NodeNotReady", "TaintManagerEviction"],
    ),
  );
  renew(cluster, "n1");
  cluster.change(nodes, "n1", (n) => {
    n.status!.conditions = [{ type: "Ready", status: "True" }];
  });
  await eventually(() => assert.deepEqual(taints(cluster, "n1"), []));
});

test("when every node falls silent nobody is evicted", async (t) => {
  let skew = 0;
  const { cluster } = await startRig(t, [startNodeLifecycle, startTaintEviction], {
    now: () => Date.now() + skew,
    prepare(c) {
      c.put(nodes, node("n1"));
      c.put(pods, makePod("a"));
    },
  });
  skew = 41_000;
  poke(cluster, "n1");
  await eventually(() =>
    assert.deepEqual(taints(cluster, "n1"), ["node.kubernetes.io/unreachable:NoSchedule"]),
  );
  await new Promise((r) => setTimeout(r, 20));
  assert.equal(cluster.find(pods, "default/a")!.metadata.deletionTimestamp, undefined);
});

test("after a pause of its own the controller first listens", async (t) => {
  let skew = 0;
  const { cluster } = await startRig(t, [startNodeLifecycle], {
    now: () => Date.now() + skew,
    prepare: (c) => void c.put(nodes, node("n1")),
  });
  skew = 600_000;
  poke(cluster, "n1");
  await new Promise((r) => setTimeout(r, 30));
  assert.equal(ready(cluster, "n1"), "True");
});

test("pods that nobody takes care of are collected", async (t) => {
  const { cluster } = await startRig(t, [startPodCollection], {
    prepare(c) {
      c.put(nodes, node("n1"));
      c.put(pods, makePod("here"));
      c.put(pods, makePod("elsewhere", { node: "gone" }));
      const unplaced = makePod("unplaced", { dying: true });
      delete unplaced.spec!.nodeName;
      c.put(pods, unplaced);
    },
  });
  await eventually(() =>
    assert.deepEqual(
      cluster
        .all(pods)
        .map((p) => p.metadata.name)
        .sort(),
      ["elsewhere", "here"],
    ),
  );
});
