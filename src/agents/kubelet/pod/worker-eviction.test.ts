// Evictions in a pod's life.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import { at, get, isGone, podOf, runs, until, workerRig } from "../../../../test/support/worker-rig.ts";
import { events, pods } from "../../../core/api/refs.ts";
import type { KubeObject, Pod } from "../../../core/api/types.ts";

const limits = { resources: { limits: { "ephemeral-storage": "1Mi" } } };
const sizeLimited = { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] };

test("over a limit of local storage: ended at once, Evicted, never started again, its disk given back", async (t) => {
  const { client, runtime, files, startNode } = await workerRig(t);
  await startNode();
  const image = { image: "busybox", imagePullPolicy: "IfNotPresent" };
  const two = [
    { name: "a", ...image, ...limits },
    { name: "b", ...image, ...limits },
  ];
  const rows: [name: string, pod: KubeObject, fill: (pod: Pod) => void, message: string][] = [
    [
      "volume",
      podOf("volume", sizeLimited),
      (pod) =>
        files.usage.set(`/root/pods/${pod.metadata.uid}/volumes/kubernetes.io~empty-dir/v`, 2 ** 20 + 1),
      'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
    ],
    [
      "logs",
      podOf("logs", {}, { name: "logged", ...limits }),
      (pod) => {
        const log = `/logs/default_logs_${pod.metadata.uid}/logged/0.log`;
        void files.writeFile(log, "", 0o644);
        files.usage.set(log, 2 ** 20 + 1);
      },
      "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
    ],
    [
      "layer",
      podOf("layer", { containers: two, terminationGracePeriodSeconds: 600 }),
      () => runtime.written.set("a", 2 ** 20 + 1),
      'Container a exceeded its local ephemeral storage limit "1Mi". ',
    ],
  ];
  for (const [name, made, fill, message] of rows) {
    await client.create(pods, made, at);
    const before = await until(client, name, (_, p) => assert.equal(p.status?.phase, "Running"));
    const { uid } = before.metadata;
    fill(before);
    const pod = await until(client, name, (_, p) => assert.equal(p.status?.phase, "Failed"));
    assert.equal(pod.status?.reason, "Evicted", name);
    assert.equal(pod.status?.message, message, name);
    for (const c of pod.status?.containerStatuses ?? []) {
      assert.ok(c.state?.terminated, `${name}: ${JSON.stringify(c.state)}`);
      assert.ok(runtime.done.includes(`stop ${c.name}/0 grace=1`), `${name}: ${runtime.done}`);
      assert.ok(!runtime.done.includes(`create ${c.name}/1`), name);
    }
    const ready = pod.status?.conditions?.find((c) => c.type === "Ready");
    assert.deepEqual([ready?.status, ready?.reason], ["False", "PodFailed"]);
    assert.ok(!pod.status?.conditions?.some((c) => c.type === "DisruptionTarget"));
    await eventually(async () => {
      const said = (await client.list(events, at)).items.filter((e) => e.involvedObject.uid === uid);
      const [told, ...more] = said.filter((e) => e.reason === "Evicted");
      assert.deepEqual([told?.type, told?.message, more.length], ["Warning", message, 0]);
    });
    await eventually(() => {
      assert.ok(![...runtime.containers.values()].some((c) => c.podUid === uid), name);
      for (const path of [`/root/pods/${uid}`, `/logs/default_${name}_${uid}`])
        assert.ok(files.removed.includes(path), path);
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(runtime.done.filter((what) => what.startsWith("start")).length, 4);
});

test("an evicted pod is told of as it was, also by a restarted kubelet, until it is deleted", async (t) => {
  const { client, runtime, files, startNode, pass } = await workerRig(t);
  const stop = await startNode();
  await client.create(pods, podOf("web", sizeLimited), at);
  const { uid } = (await until(client, "web", runs(0))).metadata;
  files.usage.set(`/root/pods/${uid}/volumes/kubernetes.io~empty-dir/v`, 2 ** 21);
  const evicted = await until(client, "web", (_, p) => assert.equal(p.status?.reason, "Evicted"));
  await eventually(() => assert.equal(runtime.containers.size, 0));
  // The runtime is asked for everything again, and has nothing.
  runtime.resume();
  await pass(1000, "web");
  await stop();
  await startNode();
  await pass(1000, "web");
  await new Promise((resolve) => setTimeout(resolve, 100));
  const told = ({ status }: Pod): unknown[] => [
    ...[status?.phase, status?.reason, status?.message],
    status?.containerStatuses?.[0]?.state,
  ];
  assert.deepEqual(told(await get(client, "web")), told(evicted));
  assert.equal(runtime.containers.size, 0);
  await client.delete(pods, "web", at);
  await isGone(client, "web");
  await eventually(() => assert.equal(runtime.sandboxes.size, 0));
});

test("an eviction that the runtime fails is tried again, and told when nothing runs any more", async (t) => {
  const { client, runtime, files, startNode } = await workerRig(t);
  const stop = runtime.stopContainer;
  let failures = 0;
  runtime.stopContainer = async (...args) => {
    if (failures++ === 0) throw new Error("no answer");
    return stop(...args);
  };
  await startNode();
  await client.create(pods, podOf("web", sizeLimited), at);
  const { uid } = (await until(client, "web", runs(0))).metadata;
  files.usage.set(`/root/pods/${uid}/volumes/kubernetes.io~empty-dir/v`, 2 ** 21);
  await eventually(() => assert.ok(failures > 0));
  assert.equal((await get(client, "web")).status?.phase, "Running");
  const pod = await until(client, "web", (_, p) => assert.equal(p.status?.phase, "Failed"));
  assert.equal(pod.status?.reason, "Evicted");
  assert.ok(pod.status?.containerStatuses?.[0]?.state?.terminated);
  await eventually(() => assert.ok(files.removed.includes(`/logs/default_web_${uid}`)));
});
