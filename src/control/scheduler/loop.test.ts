import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createMemoryCluster, type MemoryCluster } from "../../../test/support/memory-cluster.ts";
import { events, nodes, pods, resourceClaims } from "../../core/api/refs.ts";
import { failure } from "../../core/api/status.ts";
import type { Node, Pod } from "../../core/api/types.ts";
import { startScheduler } from "./mod.ts";

const node = (name: string, cpu = "2"): Node => ({
  metadata: { name },
  status: { allocatable: { cpu, memory: "4Gi", pods: "110" } },
});
const pod = (name: string, cpu = "100m"): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: "c", resources: { requests: { cpu } } }] },
});
const silent = { debug() {}, info() {}, warn() {}, error() {} };

function run(t: { after(f: () => Promise<void>): void }): MemoryCluster {
  const cluster = createMemoryCluster();
  const stop = new AbortController();
  const running = startScheduler({ client: cluster, log: silent }, stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  return cluster;
}
const nodeOf = (c: MemoryCluster, name: string): string | undefined =>
  c.find(pods, `default/${name}`)?.spec?.nodeName;
const messages = (c: MemoryCluster): string[] => c.all(events).map((e) => `${e.reason}: ${e.message}`);

test("binds and says so", async (t) => {
  const cluster = run(t);
  cluster.put(nodes, node("n1"));
  cluster.put(pods, pod("a"));
  await eventually(() => assert.equal(nodeOf(cluster, "a"), "n1"));
  await eventually(() =>
    assert.deepEqual(messages(cluster), ["Scheduled: Successfully assigned default/a to n1"]),
  );
});

test("fifty at once are bound at once, and never more than fit though the cache lags", async (t) => {
  const cluster = run(t);
  cluster.put(nodes, node("n1", "2"));
  cluster.put(nodes, node("n2", "2"));
  cluster.lag = 20;
  for (let i = 0; i < 50; i++) cluster.put(pods, pod(`p${i}`));
  const bound = (): Pod[] => cluster.all(pods).filter((p) => p.spec?.nodeName);
  await eventually(() => assert.equal(bound().length, 40));
  await new Promise((r) => setTimeout(r, 60));
  for (const n of ["n1", "n2"]) assert.equal(bound().filter((p) => p.spec!.nodeName === n).length, 20);
  await eventually(() =>
    assert.equal(
      cluster.all(pods).filter((p) => p.status?.conditions?.[0]?.reason === "Unschedulable").length,
      10,
    ),
  );
});

test("a pod without a node says why, and goes when there is room", async (t) => {
  const cluster = run(t);
  cluster.put(nodes, node("n1"));
  cluster.put(pods, pod("big", "3"));
  const message =
    "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
  await eventually(() => {
    const condition = cluster.find(pods, "default/big")?.status?.conditions?.[0];
    assert.deepEqual(
      [condition?.type, condition?.status, condition?.message],
      ["PodScheduled", "False", message],
    );
    assert.ok(messages(cluster).includes(`FailedScheduling: ${message}`));
  });
  cluster.put(nodes, node("n2", "4"));
  await eventually(() => assert.equal(nodeOf(cluster, "big"), "n2"));
});

test("a pod that waits for room is not tried again because others found theirs; one that seeks company is", async (t) => {
  const cluster = run(t);
  cluster.put(nodes, node("n1"));
  cluster.put(pods, pod("big", "3"));
  const social = pod("social");
  const near = { labelSelector: { matchLabels: { app: "x" } }, topologyKey: "kubernetes.io/hostname" };
  social.spec!.affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near] } };
  cluster.put(pods, social);
  const failures = (): (number | undefined)[] =>
    cluster
      .all(events)
      .filter((e) => e.reason === "FailedScheduling" && e.involvedObject?.name === "big")
      .map((e) => e.count);
  await eventually(() => assert.deepEqual(failures(), [1]));
  cluster.change(nodes, "n1", (n) => {
    n.metadata.labels = { "kubernetes.io/hostname": "n1" };
  });
  await eventually(() => assert.deepEqual(failures(), [2]));
  const friend = pod("friend");
  friend.metadata.labels = { app: "x" };
  cluster.put(pods, friend);
  for (const name of ["friend", "social"])
    await eventually(() => assert.equal(nodeOf(cluster, name), "n1", name));
  await new Promise((r) => setTimeout(r, 100));
  assert.deepEqual(failures(), [2]);
});

test("gated, foreign and dying pods are left alone; a lifted gate lets go", async (t) => {
  const cluster = run(t);
  cluster.put(nodes, node("n1"));
  const gated = pod("gated");
  gated.spec!.schedulingGates = [{ name: "wait" }];
  cluster.put(pods, gated);
  const foreign = pod("foreign");
  foreign.spec!.schedulerName = "mine";
  cluster.put(pods, foreign);
  cluster.put(pods, pod("a"));
  await eventually(() => assert.equal(nodeOf(cluster, "a"), "n1"));
  assert.deepEqual([nodeOf(cluster, "gated"), nodeOf(cluster, "foreign")], [undefined, undefined]);
  cluster.change(pods, "default/gated", (p) => {
    p.spec!.schedulingGates = [];
  });
  await eventually(() => assert.equal(nodeOf(cluster, "gated"), "n1"));
});

test("a refused binding is tried again and its room is given back", async (t) => {
  const cluster = run(t);
  let refusals = 2;
  cluster.before((verb, ref, object) => {
    if (verb === "create" && ref.resource === "pods" && object?.kind === "Binding" && refusals-- > 0)
      throw failure(500, "InternalError", "not now");
  });
  cluster.put(nodes, node("n1"));
  cluster.put(pods, pod("a", "2"));
  await eventually(() => assert.equal(nodeOf(cluster, "a"), "n1"));
});

test("a pod that uses a claim of devices waits, and says so again when the claim comes", async (t) => {
  const cluster = run(t);
  cluster.put(nodes, node("n1"));
  const uses = pod("a");
  uses.spec!.resourceClaims = [{ name: "gpu", resourceClaimName: "gpu-0" }];
  cluster.put(pods, uses);
  const why = (): string | undefined => cluster.find(pods, "default/a")?.status?.conditions?.[0]?.message;
  await eventually(() => assert.match(why() ?? "", /: could not find ResourceClaim "default\/gpu-0"\. /));
  cluster.put(resourceClaims, { metadata: { name: "gpu-0" }, spec: {} });
  await eventually(() => assert.match(why() ?? "", /: 1 cannot allocate all claims\. /));
  assert.equal(nodeOf(cluster, "a"), undefined);
});
