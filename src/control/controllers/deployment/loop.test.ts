import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import type { MemoryCluster } from "../../../../test/support/memory-cluster.ts";
import { deployments, events, pods, replicaSets } from "../../../core/api/refs.ts";
import type { Deployment, Pod, ReplicaSet } from "../../../core/api/types.ts";
import { isPodActive, isPodReady } from "../pods/mod.ts";
import { startReplicaSets } from "../replicaset/mod.ts";
import { startDeployments } from "./mod.ts";

const labels = { app: "web" };
function deployment(image: string, spec: Partial<NonNullable<Deployment["spec"]>> = {}): Deployment {
  return {
    metadata: { name: "web" },
    spec: {
      replicas: 4,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: labels },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image }] } },
      ...spec,
    },
  };
}

const alive = (c: MemoryCluster): Pod[] => c.all(pods).filter(isPodActive);
const imageOf = (o: Pod | ReplicaSet): string => {
  const spec = "template" in (o.spec ?? {}) ? (o as ReplicaSet).spec!.template!.spec : (o as Pod).spec;
  return spec!.containers[0]!.image!;
};
const get = (c: MemoryCluster): Deployment => c.find(deployments, "default/web")!;
const setImage = (c: MemoryCluster, image: string): Deployment =>
  c.change(deployments, "default/web", (d) => {
    d.spec!.template.spec!.containers[0]!.image = image;
    d.metadata.generation = (d.metadata.generation ?? 0) + 1;
  });
const change = (c: MemoryCluster, f: (d: Deployment) => void): Deployment =>
  c.change(deployments, "default/web", (d) => {
    f(d);
    d.metadata.generation = (d.metadata.generation ?? 0) + 1;
  });

/** Makes pods of good images ready, one every turn, and watches the bounds of the rollout. */
function kubelet(
  t: { after(f: () => void): void },
  c: MemoryCluster,
  bounds: { most: number; least: number },
) {
  const seen = { most: 0, least: Number.POSITIVE_INFINITY, settled: false };
  const timer = setInterval(() => {
    const ready = alive(c).filter(isPodReady).length;
    seen.most = Math.max(seen.most, alive(c).length);
    if (ready >= bounds.least) seen.settled = true;
    if (seen.settled) seen.least = Math.min(seen.least, ready);
    const next = alive(c).find((p) => !isPodReady(p) && imageOf(p) !== "broken");
    if (next)
      c.change(pods, `default/${next.metadata.name}`, (p) => {
        p.status = {
          phase: "Running",
          conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2030-01-01T00:00:00Z" }],
        };
      });
  }, 2);
  t.after(() => clearInterval(timer));
  return seen;
}
async function complete(c: MemoryCluster, image: string, replicas = 4): Promise<void> {
  await eventually(() => {
    const { status, metadata } = get(c);
    assert.equal(status?.observedGeneration, metadata.generation);
    assert.deepEqual(
      [status?.replicas, status?.updatedReplicas, status?.availableReplicas],
      [replicas, replicas, replicas],
    );
    assert.ok(alive(c).every((p) => imageOf(p) === image));
    const progressing = status?.conditions?.find((x) => x.type === "Progressing");
    assert.equal(progressing?.reason, "NewReplicaSetAvailable");
  });
}
const starts = [startDeployments, startReplicaSets];
const messages = (c: MemoryCluster): string[] => c.all(events).map((e) => `${e.reason}: ${e.message}`);

test("a rollout keeps its bounds at every moment, though the cache lags", async (t) => {
  const { cluster } = await startRig(t, starts);
  cluster.lag = 3;
  const seen = kubelet(t, cluster, { most: 5, least: 3 });
  cluster.put(deployments, deployment("one"));
  await complete(cluster, "one");
  const first = cluster.all(replicaSets)[0]!;
  assert.match(first.metadata.name!, /^web-[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  assert.equal(first.metadata.labels!["pod-template-hash"], first.metadata.name!.slice(4));
  await eventually(() =>
    assert.ok(
      messages(cluster).includes(
        `ScalingReplicaSet: Scaled up replica set ${first.metadata.name} from 0 to 4`,
      ),
    ),
  );
  setImage(cluster, "two");
  await complete(cluster, "two");
  assert.ok(seen.most <= 5, `at most 5 pods, there were ${seen.most}`);
  assert.ok(seen.least >= 3, `at least 3 ready, there were ${seen.least}`);
  assert.equal(cluster.all(replicaSets).length, 2);
  assert.equal(get(cluster).metadata.annotations?.["deployment.kubernetes.io/revision"], "2");
});

test("going back to an earlier template takes its ReplicaSet up again under a new revision", async (t) => {
  const { cluster } = await startRig(t, starts);
  kubelet(t, cluster, { most: 5, least: 3 });
  cluster.put(deployments, deployment("one"));
  await complete(cluster, "one");
  setImage(cluster, "two");
  await complete(cluster, "two");
  setImage(cluster, "one");
  await complete(cluster, "one");
  const revisions = cluster
    .all(replicaSets)
    .map((rs) => [
      imageOf(rs),
      rs.metadata.annotations!["deployment.kubernetes.io/revision"],
      rs.metadata.annotations!["deployment.kubernetes.io/revision-history"],
    ]);
  assert.deepEqual(revisions.sort(), [
    ["one", "3", "1"],
    ["two", "2", undefined],
  ]);
});

test("history beyond the limit is deleted", async (t) => {
  const { cluster } = await startRig(t, starts);
  kubelet(t, cluster, { most: 5, least: 3 });
  cluster.put(deployments, deployment("v0", { revisionHistoryLimit: 1 }));
  await complete(cluster, "v0");
  for (const image of ["v1", "v2", "v3"]) {
    setImage(cluster, image);
    await complete(cluster, image);
  }
  await eventually(() => assert.deepEqual(cluster.all(replicaSets).map(imageOf).sort(), ["v2", "v3"]));
});

test("Recreate has all old pods gone before the first new one", async (t) => {
  const { cluster } = await startRig(t, starts);
  kubelet(t, cluster, { most: 4, least: 0 });
  cluster.put(deployments, deployment("one", { strategy: { type: "Recreate" } }));
  await complete(cluster, "one");
  let mixed = false;
  cluster.before((verb, ref) => {
    if (verb === "create" && ref.resource === "pods")
      mixed ||= cluster.all(pods).some((p) => imageOf(p) === "one");
  });
  setImage(cluster, "two");
  await complete(cluster, "two");
  assert.equal(mixed, false);
});

test("paused: nothing rolls out but sizes follow; resumed: it goes on", async (t) => {
  const { cluster } = await startRig(t, starts);
  kubelet(t, cluster, { most: 7, least: 3 });
  cluster.put(deployments, deployment("one"));
  await complete(cluster, "one");
  change(cluster, (d) => {
    d.spec!.paused = true;
    d.spec!.replicas = 6;
    d.spec!.template.spec!.containers[0]!.image = "two";
  });
  await eventually(() => assert.equal(alive(cluster).length, 6));
  await eventually(() => {
    const c = get(cluster).status?.conditions?.find((x) => x.type === "Progressing");
    assert.deepEqual(
      [c?.status, c?.reason, c?.message],
      ["Unknown", "DeploymentPaused", "Deployment is paused"],
    );
  });
  assert.ok(alive(cluster).every((p) => imageOf(p) === "one"));
  change(cluster, (d) => {
    d.spec!.paused = false;
  });
  await complete(cluster, "two", 6);
});

test("scaled in the middle of a rollout that is stuck, both sides keep their share", async (t) => {
  const { cluster } = await startRig(t, starts);
  kubelet(t, cluster, { most: 13, least: 3 });
  const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  cluster.put(deployments, deployment("one", { replicas: 10, strategy }));
  await complete(cluster, "one", 10);
  setImage(cluster, "broken");
  const count = (image: string): number => alive(cluster).filter((p) => imageOf(p) === image).length;
  await eventually(() => assert.deepEqual([count("one"), count("broken")], [8, 5]));
  change(cluster, (d) => {
    d.spec!.replicas = 30;
  });
  // The example of the documentation, "Proportional scaling", from 10 to 30.
  await eventually(() => assert.equal(count("one") + count("broken"), 33));
  assert.ok(count("one") >= 20 && count("broken") >= 12, `${count("one")} and ${count("broken")}`);
});

test("a rollout that does not get on says so after its deadline", async (t) => {
  let skew = 0;
  const { cluster } = await startRig(t, starts, { now: () => Date.now() + skew });
  kubelet(t, cluster, { most: 5, least: 3 });
  cluster.put(deployments, deployment("broken", { progressDeadlineSeconds: 5 }));
  await eventually(() => assert.equal(get(cluster).status?.updatedReplicas, 4));
  skew = 20_000;
  change(cluster, (d) => {
    d.metadata.labels = { poke: "x" };
  });
  await eventually(() => {
    const c = get(cluster).status?.conditions?.find((x) => x.type === "Progressing");
    assert.deepEqual([c?.status, c?.reason], ["False", "ProgressDeadlineExceeded"]);
    assert.match(c!.message!, /^ReplicaSet "web-[^"]+" has timed out progressing\.$/);
  });
});

test("a name taken by another template is answered with another name", async (t) => {
  const { cluster } = await startRig(t, starts);
  kubelet(t, cluster, { most: 5, least: 3 });
  let taken: string | undefined;
  cluster.before((verb, ref, object) => {
    if (verb !== "create" || ref.resource !== "replicasets" || taken) return;
    taken = object!.metadata.name!;
    cluster.put(replicaSets, {
      metadata: { name: taken },
      spec: { replicas: 0, selector: {}, template: { spec: { containers: [] } } },
    });
  });
  cluster.put(deployments, deployment("one"));
  await complete(cluster, "one");
  assert.equal(get(cluster).status?.collisionCount, 1);
  assert.equal(cluster.all(replicaSets).filter((rs) => rs.metadata.name !== taken).length, 1);
});
