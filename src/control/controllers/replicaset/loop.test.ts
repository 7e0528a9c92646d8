import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { MemoryCluster } from "../../../../test/support/memory-cluster.ts";
import { events, pods, replicaSets, replicationControllers } from "../../../core/api/refs.ts";
import { failure } from "../../../core/api/status.ts";
import type { Pod, ReplicaSet } from "../../../core/api/types.ts";
import { startReplicationControllers } from "../replicationcontroller/mod.ts";
import { startReplicaSets } from "./mod.ts";

const labels = { app: "web" };
const rs = (replicas: number): ReplicaSet => ({
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "nginx" }] } },
  },
});
const live = (c: MemoryCluster): Pod[] => c.all(pods).filter((p) => !p.metadata.deletionTimestamp);
const created = (c: MemoryCluster): number =>
  c.writes.filter((w) => w.verb === "create" && w.resource === "pods").length;
const messages = (c: MemoryCluster): string[] => c.all(events).map((e) => `${e.reason}: ${e.message}`);

test("makes the pods, owned and labelled, and says so", async (t) => {
  const { cluster } = await startRig(t, [startReplicaSets]);
  const owner = cluster.put(replicaSets, rs(3));
  await eventually(() => assert.equal(cluster.find(replicaSets, "default/web")?.status?.replicas, 3));
  const pod = live(cluster)[0]!;
  assert.deepEqual(pod.metadata.ownerReferences, [
    {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "web",
      uid: owner.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  await eventually(() =>
    assert.ok(messages(cluster).includes(`SuccessfulCreate: Created pod: ${pod.metadata.name}`)),
  );
});

test("a cache that lags behind never makes it create twice or delete twice", async (t) => {
  const { cluster } = await startRig(t, [startReplicaSets]);
  cluster.lag = 30;
  cluster.put(replicaSets, rs(10));
  await eventually(() => assert.equal(created(cluster), 10));
  await new Promise((r) => setTimeout(r, 100));
  assert.equal(created(cluster), 10);
  cluster.change(replicaSets, "default/web", (o) => {
    o.spec!.replicas = 4;
  });
  await eventually(() => assert.equal(live(cluster).length, 4));
  await new Promise((r) => setTimeout(r, 100));
  assert.equal(live(cluster).length, 4);
  assert.equal(cluster.writes.filter((w) => w.verb === "delete").length, 6);
});

test("replaces a pod that is deleted or fails, adopts an orphan, lets go a relabelled one", async (t) => {
  const orphan = { metadata: { name: "orphan", labels } };
  const { cluster } = await startRig(t, [startReplicaSets], { prepare: (c) => void c.put(pods, orphan) });
  cluster.put(replicaSets, rs(2));
  await eventually(() => assert.equal(live(cluster).length, 2));
  assert.equal(created(cluster), 1);
  assert.equal(cluster.find(pods, "default/orphan")?.metadata.ownerReferences?.[0]?.name, "web");
  cluster.change(pods, "default/orphan", (p) => {
    p.metadata.labels = { app: "other" };
  });
  await eventually(() => assert.equal(live(cluster).length, 3));
  assert.deepEqual(cluster.find(pods, "default/orphan")?.metadata.ownerReferences, []);
  const victim = live(cluster).find((p) => p.metadata.name !== "orphan")!;
  cluster.remove(pods, `default/${victim.metadata.name}`);
  await eventually(() => assert.equal(live(cluster).length, 3));
});

test("a refusal is reported as event and condition, asked once a batch, and overcome", async (t) => {
  const { cluster } = await startRig(t, [startReplicaSets]);
  let asked = 0;
  let refuse = true;
  cluster.before((verb, ref) => {
    if (verb !== "create" || ref.resource !== "pods") return;
    asked++;
    if (refuse) throw failure(403, "Forbidden", 'pods "web-" is forbidden: exceeded quota');
  });
  cluster.put(replicaSets, rs(8));
  await eventually(() =>
    assert.deepEqual(
      cluster.find(replicaSets, "default/web")?.status?.conditions?.map((c) => [c.type, c.reason, c.message]),
      [["ReplicaFailure", "FailedCreate", 'pods "web-" is forbidden: exceeded quota']],
    ),
  );
  assert.ok(asked < 8, `asked ${asked} times`);
  await eventually(() =>
    assert.ok(
      messages(cluster).includes('FailedCreate: Error creating: pods "web-" is forbidden: exceeded quota'),
    ),
  );
  refuse = false;
  await eventually(() => {
    assert.equal(live(cluster).length, 8);
    assert.equal(cluster.find(replicaSets, "default/web")?.status?.conditions, undefined);
  });
});

test("a ReplicationController does the same with its map selector", async (t) => {
  const { cluster } = await startRig(t, [startReplicationControllers]);
  cluster.put(replicationControllers, {
    metadata: { name: "old" },
    spec: { replicas: 2, selector: labels, template: { metadata: { labels }, spec: { containers: [] } } },
  });
  await eventually(() =>
    assert.equal(cluster.find(replicationControllers, "default/old")?.status?.replicas, 2),
  );
  assert.equal(live(cluster)[0]!.metadata.ownerReferences?.[0]?.kind, "ReplicationController");
});
