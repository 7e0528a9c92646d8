// A pod's life on the whole kubelet, beside the real API server and over a runtime in memory.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { testCluster } from "../../../../test/support/api-server.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import {
  createMemoryFiles,
  createMemoryImageMounts,
  createMemoryRuntime,
} from "../../../../test/support/memory-runtime.ts";
import type { KubeClient } from "../../../control/client/mod.ts";
import { configMaps, events, namespaces, pods, serviceAccounts } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { ContainerStatus, KubeObject, Pod } from "../../../core/api/types.ts";
import { startKubelet } from "../kubelet.ts";
import { createKubeletMetrics } from "../metrics.ts";

const namespace = "default";
const at = { namespace };

async function rig(t: TestContext) {
  // Before the rig's own ending: it would otherwise wait for a kubelet that still writes.
  const stops: (() => Promise<void>)[] = [];
  let skew = 0;
  const now = (): number => Date.now() + skew;
  const { client } = await startApiRig(t, [], {
    async prepare(c) {
      await c.create(namespaces, { metadata: { name: "kube-node-lease" } });
      await c.create(serviceAccounts, { metadata: { name: "default" } }, at);
    },
  });
  t.after(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  const runtime = createMemoryRuntime(now);
  const files = createMemoryFiles();
  let tcp: (port: number) => Promise<void> = async () => {};
  const refuse = async (): Promise<never> => {
    throw new Error("connection refused");
  };

  async function startNode(): Promise<() => Promise<void>> {
    const end = new AbortController();
    const kubelet = startKubelet(
      {
        client,
        runtime,
        metrics: createKubeletMetrics({ nodeName: "n1", host: "api:6443" }),
        imageMounts: createMemoryImageMounts(files),
        files,
        probes: {
          http: refuse,
          grpc: refuse,
          tcp: (_host, port) => tcp(port),
          reachable: async () => false,
        },
        machine: {
          cpus: 2,
          memoryBytes: 4e9,
          storageBytes: 4e10,
          machineID: "m",
          systemUUID: "s",
          bootID: "b",
          kernelVersion: "6",
          osImage: "os",
          architecture: "amd64",
        },
        room: () => ({
          availableMemoryBytes: 2e9,
          availableStorageBytes: 2e10,
          availableInodes: 1e6,
          availablePids: 1e5,
        }),
        nodeName: "n1",
        addresses: ["172.30.0.2"],
        podCIDRs: ["10.244.0.0/24"],
        labels: {},
        cluster: testCluster,
        kubeletPort: 10250,
        rootDir: "/root",
        podLogDir: "/logs",
        cgroupRoot: "/cg",
        storageIntervalMs: 20,
        now,
        log() {},
      },
      end.signal,
    );
    await kubelet.registered;
    const stop = async (): Promise<void> => {
      end.abort();
      await kubelet.done;
    };
    stops.push(stop);
    return stop;
  }

  return {
    client,
    runtime,
    files,
    startNode,
    /** Time passes, and the pod's loop notices. */
    async pass(ms: number, name: string): Promise<void> {
      skew += ms;
      const nudge = { metadata: { annotations: { nudge: String(skew) } } };
      await client.patch(pods, name, nudge, { ...at, type: "merge" });
    },
    onTcp: (answer: typeof tcp): void => {
      tcp = answer;
    },
  };
}

const podOf = (name: string, spec: object = {}, container: object = {}): KubeObject =>
  ({
    metadata: { name },
    spec: {
      nodeName: "n1",
      automountServiceAccountToken: false,
      containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", ...container }],
      ...spec,
    },
  }) as KubeObject;

const get = (client: KubeClient, name: string): Promise<Pod> => client.get(pods, name, at);

/** Waits until the first container's status is so; gives the pod. */
const until = (
  client: KubeClient,
  name: string,
  holds: (c: ContainerStatus, pod: Pod) => void,
): Promise<Pod> =>
  eventually(async () => {
    const pod = await get(client, name);
    const [status] = pod.status?.containerStatuses ?? [];
    assert.ok(status, "no status yet");
    holds(status, pod);
    return pod;
  });

const runs =
  (attempt: number) =>
  (c: ContainerStatus): void => {
    assert.ok(c.state?.running, JSON.stringify(c.state));
    assert.equal(c.restartCount, attempt);
  };

const isGone = (client: KubeClient, name: string): Promise<unknown> =>
  eventually(() => assert.rejects(get(client, name), (error) => isNotFound(error)));

async function reasons(client: KubeClient, name: string): Promise<string[]> {
  const list = await client.list(events, at);
  return list.items.filter((e) => e.involvedObject.name === name).map((e) => e.reason!);
}

test("start: sandbox, volumes, container, status, events; a changed ConfigMap reaches its volume", async (t) => {
  const { client, runtime, files, startNode } = await rig(t);
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
  const { client, runtime, startNode } = await rig(t);
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

test("image volumes: shown read-only and not to be executed, until the pod goes, also while the kubelet was away", async (t) => {
  const { client, runtime, files, startNode } = await rig(t);
  const stop = await startNode();
  const volumes = [{ name: "v", image: { reference: "busybox", pullPolicy: "IfNotPresent" } }];
  const volumeMounts = [
    { name: "v", mountPath: "/v" },
    { name: "v", mountPath: "/w", subPathExpr: "$(DIR)" },
  ];
  const container = { volumeMounts, env: [{ name: "DIR", value: "etc" }] };
  for (const name of ["stays", "forced"]) await client.create(pods, podOf(name, { volumes }, container), at);
  const { uid } = (await until(client, "stays", runs(0))).metadata;
  await until(client, "forced", runs(0));
  const base = `/root/pods/${uid}/volumes/kubernetes.io~image/v/b00`;
  const own = [...runtime.containers.values()].find((c) => c.podUid === uid)!;
  assert.deepEqual(
    own.config.mounts.slice(0, 2),
    [
      ["/v", base],
      ["/w", `${base}/etc`],
    ].map(([containerPath, hostPath]) => ({
      containerPath,
      hostPath,
      readonly: true,
      noexec: true,
      propagation: "PROPAGATION_PRIVATE",
    })),
  );
  const shown = (): string[] =>
    [...files.files.keys()].filter((path) => path.includes("kubernetes.io~image"));
  assert.equal(shown().length, 2);

  await stop();
  await client.delete(pods, "forced", { ...at, gracePeriodSeconds: 0 });
  await startNode();
  await eventually(() => assert.deepEqual(shown(), [`${base}/etc/passwd`]));
  await client.delete(pods, "stays", { ...at, gracePeriodSeconds: 1 });
  await isGone(client, "stays");
  assert.deepEqual(shown(), []);
  assert.ok(files.removed.includes(base));
});

test("an image volume that is not to be had, or in part, keeps only those waiting who mount it", async (t) => {
  const { client, startNode } = await rig(t);
  await startNode();
  const rows: [name: string, image: object, mount: object, reason: string, message: RegExp][] = [
    [
      "absent",
      { reference: "a.example/x:1" },
      {},
      "ImagePullBackOff",
      /^Back-off pulling image "a.example\/x:1": ErrImagePull: .*registry a.example cannot be reached$/,
    ],
    ["never", { reference: "x", pullPolicy: "Never" }, {}, "ErrImageNeverPull", /with pull policy of Never$/],
    ["no name", { reference: "X!" }, {}, "InvalidImageName", /^Failed to apply default image tag "X!"/],
    [
      "no path",
      { reference: "busybox" },
      { subPath: "no" },
      "CreateContainerError",
      /^ImageVolumeMountFailed: subPath "no" does not exist in the image$/,
    ],
    [
      "no variable",
      { reference: "busybox" },
      { subPathExpr: "$(NO)" },
      "CreateContainerConfigError",
      /missing value for "NO"/,
    ],
  ];
  for (const [words, image, mount, reason, message] of rows) {
    const name = words.replace(" ", "-");
    const second = { name: "free", image: "busybox", imagePullPolicy: "IfNotPresent" };
    const pod = podOf(name, { volumes: [{ name: "v", image }] });
    const { spec } = pod as unknown as { spec: { containers: object[] } };
    Object.assign(spec.containers[0]!, { volumeMounts: [{ name: "v", mountPath: "/v", ...mount }] });
    spec.containers.push(second);
    await client.create(pods, pod, at);
    await until(client, name, (c, p) => {
      assert.equal(c.state?.waiting?.reason, reason, words);
      assert.match(c.state?.waiting?.message ?? "", message, words);
      assert.ok(p.status?.containerStatuses?.[1]?.state?.running, words);
    });
    await eventually(async () => assert.ok((await reasons(client, name)).includes("Failed"), words));
  }
});

test("a crash is followed by a restart, the next by a pause that grows", async (t) => {
  const { client, runtime, startNode, pass } = await rig(t);
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
  const { client, runtime, startNode, onTcp } = await rig(t);
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
  const { client, runtime, files, startNode } = await rig(t);
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
  const { client, runtime, startNode } = await rig(t);
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
  const { client, runtime, startNode } = await rig(t);
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
  const { client, runtime, startNode } = await rig(t);
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
  const { client, runtime, startNode } = await rig(t);
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

const limits = { resources: { limits: { "ephemeral-storage": "1Mi" } } };
const sizeLimited = { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] };

test("over a limit of local storage: ended at once, Evicted, never started again, its disk given back", async (t) => {
  const { client, runtime, files, startNode } = await rig(t);
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
  const { client, runtime, files, startNode, pass } = await rig(t);
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
  const { client, runtime, files, startNode } = await rig(t);
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
