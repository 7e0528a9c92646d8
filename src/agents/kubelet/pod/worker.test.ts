// A pod's life on the whole kubelet, beside the real API server and over a runtime in memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import {
  at,
  get,
  isGone,
  podOf,
  reasons,
  runs,
  until,
  workerRig,
} from "../../../../test/support/worker-rig.ts";
import { configMaps, events, pods } from "../../../core/api/refs.ts";
import type { KubeObject } from "../../../core/api/types.ts";

test("start: sandbox, volumes, container, status, events; a changed ConfigMap reaches its volume", async (t) => {
  const { client, runtime, files, startNode } = await workerRig(t);
  await startNode();
  const map = await client.create(
    configMaps,
    { metadata: { name: "m" }, data: { a: "1" } } as KubeObject,
    at,
  );
  const volumes = { volumes: [{ name: "v", configMap: { name: "m" } }] };
  await client.create(pods, podOf("web", volumes, { volumeMounts: [{ name: "v", mountPath: "/v" }] }), at);
  const pod = await until(client, "web", (c) => {
    runs(0)(c);
    assert.equal(c.ready, true);
  });
  assert.deepEqual(runtime.done, ["run web", "create c/0", "start c/0"]);
  assert.equal(pod.status?.phase, "Running");
  assert.equal(pod.status?.hostIP, "172.30.0.2");
  assert.equal(pod.status?.podIP, [...runtime.sandboxes.values()][0]!.ips[0]);
  const ready = pod.status?.conditions?.find((c) => c.type === "Ready");
  assert.equal(ready?.status, "True");
  const path = `/root/pods/${pod.metadata.uid}/volumes/kubernetes.io~configmap/v`;
  assert.deepEqual([...files.volumes.get(path)!], [["a", "1"]]);
  assert.ok(runtime.running("c")!.config.mounts.some((m) => m.hostPath === path && m.containerPath === "/v"));
  await eventually(async () =>
    assert.deepEqual(await reasons(client, "web"), ["Pulled", "Created", "Started"]),
  );
  await client.update(configMaps, { ...map, data: { a: "2" } } as KubeObject);
  await eventually(() => assert.deepEqual([...files.volumes.get(path)!], [["a", "2"]]));
});

test("a ConfigMap that comes late: FailedMount, and a start as soon as it is there", async (t) => {
  const { client, runtime, startNode } = await workerRig(t);
  await startNode();
  await client.create(pods, podOf("late", { volumes: [{ name: "v", configMap: { name: "m" } }] }), at);
  await eventually(async () => assert.ok((await reasons(client, "late")).includes("FailedMount")));
  const pod = await get(client, "late");
  assert.equal(pod.status?.phase, "Pending");
  assert.equal(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason, "ContainerCreating");
  assert.equal(runtime.containers.size, 0);
  await client.create(configMaps, { metadata: { name: "m" }, data: { a: "1" } } as KubeObject, at);
  await until(client, "late", runs(0));
});

test("a crash is followed by a restart, the next by a pause that grows", async (t) => {
  const { client, runtime, startNode, pass } = await workerRig(t);
  await startNode();
  await client.create(pods, podOf("web"), at);
  await until(client, "web", runs(0));

  runtime.exit("c", 3);
  const restarted = await until(client, "web", runs(1));
  const last = restarted.status!.containerStatuses![0]!.lastState?.terminated;
  assert.deepEqual([last?.exitCode, last?.reason], [3, "Error"]);

  for (const [attempt, delay, words] of [
    [2, 10_000, "10s"],
    [3, 20_000, "20s"],
  ] as const) {
    runtime.exit("c", 1);
    await until(client, "web", (c, pod) => {
      const { uid } = pod.metadata;
      assert.equal(c.state?.waiting?.reason, "CrashLoopBackOff");
      assert.equal(
        c.state?.waiting?.message,
        `back-off ${words} restarting failed container=c pod=web_default(${uid})`,
      );
      assert.equal(c.ready, false);
      assert.equal(pod.status?.conditions?.find((x) => x.type === "Ready")?.status, "False");
    });
    await pass(delay - 2000, "web");
    await until(client, "web", (c) => assert.equal(c.state?.waiting?.reason, "CrashLoopBackOff"));
    assert.equal(runtime.running("c"), undefined);
    await pass(2000, "web");
    await until(client, "web", runs(attempt));
  }
  // Of the dead only the newest are kept, for `logs --previous`.
  assert.equal(runtime.containers.size, 3);
  await eventually(async () => assert.ok((await reasons(client, "web")).includes("BackOff")));
});

test("a container that fails its liveness probe is killed and made anew", async (t) => {
  const { client, runtime, startNode, onTcp } = await workerRig(t);
  await startNode();
  let broken = false;
  onTcp(async () => {
    if (broken) throw new Error("dial tcp: connect: connection refused");
  });
  const livenessProbe = { tcpSocket: { port: 80 }, periodSeconds: 1, failureThreshold: 1 };
  await client.create(pods, podOf("web", {}, { livenessProbe }), at);
  await until(client, "web", runs(0));
  broken = true;
  await eventually(() => assert.ok(runtime.done.includes("stop c/0 grace=30")));
  broken = false;
  await until(client, "web", runs(1));
  await eventually(async () => {
    const said = await reasons(client, "web");
    for (const reason of ["Unhealthy", "Killing"]) assert.ok(said.includes(reason), `${reason} of ${said}`);
  });
});

test("graceful deletion: the signal, the network, the files, and only then the API", async (t) => {
  const { client, runtime, files, startNode } = await workerRig(t);
  await startNode();
  await client.create(pods, podOf("web", { terminationGracePeriodSeconds: 7 }), at);
  const { uid } = (await until(client, "web", runs(0))).metadata;
  runtime.done.length = 0;
  await client.delete(pods, "web", at);
  await isGone(client, "web");
  await eventually(() =>
    assert.deepEqual(runtime.done, ["stop c/0 grace=7", "stop web", "remove c/0", "remove web"]),
  );
  await eventually(() => assert.ok(files.removed.some((path) => path.includes(`/logs/default_web_${uid}`))));
  assert.ok(files.removed.includes(`/root/pods/${uid}`));
});

test("a pod that does not heed its signal has its grace period, which a second request may cut", async (t) => {
  const { client, runtime, startNode } = await workerRig(t);
  await startNode();
  await client.create(pods, podOf("slow", { terminationGracePeriodSeconds: 600 }), at);
  await until(client, "slow", runs(0));
  runtime.stubborn.add("c");
  await client.delete(pods, "slow", at);
  await eventually(() => assert.ok(runtime.done.includes("stop c/0 grace=600")));
  const pod = await get(client, "slow");
  assert.ok(pod.metadata.deletionTimestamp);
  assert.ok(pod.status?.containerStatuses?.[0]?.state?.running);
  runtime.stubborn.delete("c");
  await client.delete(pods, "slow", { ...at, gracePeriodSeconds: 1 });
  await isGone(client, "slow");
});

test("a pod that finishes stays to be looked at, without its network", async (t) => {
  const { client, runtime, startNode } = await workerRig(t);
  await startNode();
  await client.create(pods, podOf("once", { restartPolicy: "Never" }), at);
  await until(client, "once", runs(0));
  runtime.exit("c", 0);
  const pod = await until(client, "once", (_, p) => assert.equal(p.status?.phase, "Succeeded"));
  assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.reason, "Completed");
  await eventually(() => assert.equal([...runtime.sandboxes.values()][0]?.ready, false));
  assert.equal(runtime.containers.size, 1);
  await client.delete(pods, "once", at);
  await isGone(client, "once");
  await eventually(() => assert.equal(runtime.containers.size + runtime.sandboxes.size, 0));
});

test("a lost sandbox is made anew with its containers", async (t) => {
  const { client, runtime, startNode } = await workerRig(t);
  await startNode();
  await client.create(pods, podOf("web"), at);
  const before = await until(client, "web", runs(0));
  runtime.loseSandboxes();
  const after = await until(client, "web", (c, p) => {
    runs(1)(c);
    assert.notEqual(p.status?.podIP, before.status?.podIP);
  });
  assert.equal(after.metadata.uid, before.metadata.uid);
  await eventually(async () => assert.ok((await reasons(client, "web")).includes("SandboxChanged")));
});

test("a restarted kubelet adopts what runs, and catches up with what happened meanwhile", async (t) => {
  const { client, runtime, startNode } = await workerRig(t);
  const stop = await startNode();
  for (const name of ["steady", "died", "forced"]) await client.create(pods, podOf(name, {}, { name }), at);
  const before = new Map<string, string>();
  for (const name of ["steady", "died", "forced"]) {
    const pod = await until(client, name, runs(0));
    before.set(name, pod.status!.containerStatuses![0]!.containerID!);
  }
  await stop();
  runtime.done.length = 0;
  runtime.exit("died", 1);
  await client.delete(pods, "forced", { ...at, gracePeriodSeconds: 0 });

  await startNode();
  await until(client, "died", runs(1));
  // Nobody knows this pod any more.
  await eventually(() => assert.ok(runtime.done.includes("remove forced")));
  const pod = await until(client, "steady", runs(0));
  assert.equal(pod.status!.containerStatuses![0]!.containerID, before.get("steady"));
  assert.deepEqual(
    runtime.done.filter((what) => what.includes("steady")),
    [],
  );
  // It is its own now: a death is followed by a restart, a deletion carried out.
  runtime.exit("steady", 1);
  await until(client, "steady", runs(1));
  await client.delete(pods, "steady", { ...at, gracePeriodSeconds: 1 });
  await isGone(client, "steady");
});

test("a pod that wants users of its own is not run with the machine's", async (t) => {
  const { client, runtime, startNode } = await workerRig(t);
  await startNode();
  await client.create(pods, podOf("mapped", { hostUsers: false }), at);
  await eventually(async () =>
    assert.ok((await reasons(client, "mapped")).includes("FailedCreatePodSandBox")),
  );
  const [event] = (await client.list(events, at)).items.filter((e) => e.reason === "FailedCreatePodSandBox");
  assert.equal(
    event!.message,
    "Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces",
  );
  assert.deepEqual(await runtime.listContainers(), []);
});
