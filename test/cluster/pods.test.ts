// What the node does with pods, on real containers: what they are given, how they fail, how they are watched and ended, and
// that nothing happens to them when the node's processes are killed.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { eventually, startCluster, type TestCluster } from "../support/cluster.ts";

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster("pods");
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

interface PodShape {
  metadata: { name: string; uid: string };
  status: {
    phase: string;
    reason?: string;
    podIP?: string;
    conditions: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: {
      containerID: string;
      restartCount: number;
      ready: boolean;
      state: Record<string, { reason?: string; message?: string; exitCode?: number }>;
      lastState: Record<string, { reason?: string; message?: string; exitCode?: number }>;
    }[];
  };
}

async function apply(...objects: object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const { code, stderr } = await cluster.kubectlWith({ input }, "apply", "-f", "-");
  assert.equal(code, 0, stderr);
}

const pod = (name: string, container: object, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...metadata },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", ...container }],
    ...spec,
  },
});

const sh = (script: string): object => ({ command: ["sh", "-c", script] });

async function get(name: string): Promise<PodShape> {
  return JSON.parse(await cluster.ok("get", "pod", name, "-o", "json")) as PodShape;
}

/** Waits until the pod is as asked for; the error shows its status. */
async function until(name: string, limitMs: number, holds: (p: PodShape) => boolean): Promise<PodShape> {
  let last: PodShape | undefined;
  try {
    return await eventually(name, limitMs, async () => {
      last = await get(name);
      return holds(last) ? last : undefined;
    });
  } catch (error) {
    throw new Error(`${name}: ${JSON.stringify(last?.status)}`, { cause: error });
  }
}

const waitingReason = (p: PodShape): string | undefined =>
  p.status.containerStatuses?.[0]?.state.waiting?.reason;
const isReady = (p: PodShape): boolean =>
  p.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

async function eventsOf(name: string): Promise<string[]> {
  const list = JSON.parse(
    await cluster.ok("get", "events", "--field-selector", `involvedObject.name=${name}`, "-o", "json"),
  ) as { items: { reason: string; message: string }[] };
  return list.items.map((e) => `${e.reason}: ${e.message}`.trim());
}

test("a container is given its environment, volumes, names and users", async () => {
  await apply(
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "given" }, data: { k: "v" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "given" }, stringData: { pw: "s3cret" } },
    pod(
      "given",
      {
        ...sh(
          "echo A=$A B=$B K=$P_k PW=$PW IP=$IP HOST=$KUBERNETES_SERVICE_HOST; echo id=$(id -u):$(id -G);" +
            "echo hosts=$(grep foo /etc/hosts); echo dns=$(grep search /etc/resolv.conf); cat /c/d/f /s/pw /d/l;" +
            "echo; stat -Lc %a-%g /s/pw; df /m | tail -1 | cut -c1-5; echo last > /dev/termination-log; exit 3",
        ),
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "$(A)-$(NO)-$$(A)" },
          { name: "PW", valueFrom: { secretKeyRef: { name: "given", key: "pw" } } },
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        ],
        envFrom: [{ prefix: "P_", configMapRef: { name: "given" } }],
        volumeMounts: [
          { name: "c", mountPath: "/c" },
          { name: "s", mountPath: "/s", readOnly: true },
          { name: "d", mountPath: "/d" },
          { name: "m", mountPath: "/m" },
        ],
      },
      {
        restartPolicy: "Never",
        hostname: "foo",
        subdomain: "bar",
        securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000, supplementalGroups: [4000] },
        volumes: [
          { name: "c", configMap: { name: "given", items: [{ key: "k", path: "d/f" }] } },
          { name: "s", secret: { secretName: "given", defaultMode: 0o400 } },
          { name: "d", downwardAPI: { items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels" } }] } },
          { name: "m", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
        ],
      },
      { labels: { l: "w" } },
    ),
  );
  const done = await until("given", 20_000, (p) => p.status.phase === "Failed");
  const { terminated } = done.status.containerStatuses![0]!.state;
  assert.equal(terminated?.exitCode, 3);
  assert.equal(terminated?.message, "last\n");
  const ip = done.status.podIP;
  assert.deepEqual((await cluster.ok("logs", "given")).trim().split("\n"), [
    `A=1 B=1-$(NO)-$(A) K=v PW=s3cret IP=${ip} HOST=10.96.0.1`,
    "id=1000:3000 2000 4000",
    `hosts=${ip} foo.bar.default.svc.cluster.local foo`,
    "dns=search default.svc.cluster.local svc.cluster.local cluster.local",
    'vs3cretl="w"',
    "440-2000",
    "tmpfs",
  ]);
});

test("a pod in its node's network has the node's host name", async () => {
  await apply(pod("host", sh("hostname"), { restartPolicy: "Never", hostNetwork: true }));
  await until("host", 20_000, (p) => p.status.phase === "Succeeded");
  assert.equal(await cluster.ok("logs", "host"), "node-1\n");
});

test("what cannot start says why, and starts when it can", async () => {
  await apply(
    pod("crash", { ...sh("echo dead; exit 1"), terminationMessagePolicy: "FallbackToLogsOnError" }),
    pod("no-image", { image: "registry.invalid/nothing:1" }),
    pod("bad-image", { image: "Bad/IMAGE!" }),
    pod("never", { image: "nothing", imagePullPolicy: "Never" }),
    pod("no-map", { ...sh("sleep 100"), envFrom: [{ configMapRef: { name: "late" } }] }),
    pod(
      "no-volume",
      { ...sh("sleep 100"), volumeMounts: [{ name: "v", mountPath: "/v" }] },
      { volumes: [{ name: "v", configMap: { name: "late" } }] },
    ),
    pod("root", { ...sh("sleep 100"), securityContext: { runAsNonRoot: true } }),
    pod("big", { resources: { requests: { cpu: "100" } } }, { nodeName: "node-1" }),
  );
  const crash = await until("crash", 20_000, (p) => waitingReason(p) === "CrashLoopBackOff");
  const { containerStatuses } = crash.status;
  assert.equal(
    containerStatuses![0]!.state.waiting!.message,
    `back-off 10s restarting failed container=c pod=crash_default(${crash.metadata.uid})`,
  );
  assert.equal(containerStatuses![0]!.lastState.terminated?.message, "dead\n");
  await until("no-image", 20_000, (p) => waitingReason(p) === "ImagePullBackOff");
  await until("bad-image", 5000, (p) => waitingReason(p) === "InvalidImageName");
  await until("never", 5000, (p) => waitingReason(p) === "ErrImageNeverPull");
  const root = await until("root", 5000, (p) => waitingReason(p) === "CreateContainerConfigError");
  assert.match(
    root.status.containerStatuses![0]!.state.waiting!.message!,
    /^container has runAsNonRoot and image will run as root \(pod: "root_default\(/,
  );
  const big = await until("big", 5000, (p) => p.status.phase === "Failed");
  assert.equal(big.status.reason, "OutOfcpu");
  await until("no-map", 5000, (p) => waitingReason(p) === "CreateContainerConfigError");
  await until("no-volume", 5000, (p) => waitingReason(p) === "ContainerCreating");
  const told = await eventsOf("no-volume");
  assert.ok(
    told.includes('FailedMount: MountVolume.SetUp failed for volume "v" : configmap "late" not found'),
    told.join("\n"),
  );
  await cluster.ok("create", "configmap", "late", "--from-literal=k=v");
  await until("no-map", 5000, isReady);
  await until("no-volume", 5000, isReady);
});

test("a class of the runtime, variables with any name, host ports from everywhere", async () => {
  const serve = "echo $HOSTNAME > /tmp/index.html; exec httpd -f -p 80 -h /tmp";
  const at = (hostPort: number, hostIP?: string): object => ({
    ...sh(serve),
    ports: [{ containerPort: 80, hostPort, ...(hostIP ? { hostIP } : {}) }],
    envFrom: [{ configMapRef: { name: "dashes" } }],
  });
  await cluster.ok("label", "node", "node-1", "disk=ssd");
  await apply(
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "dashes" }, data: { "a-1": "b" } },
    {
      apiVersion: "node.k8s.io/v1",
      kind: "RuntimeClass",
      metadata: { name: "heavy" },
      handler: "runc",
      overhead: { podFixed: { cpu: "5m" } },
      scheduling: { nodeSelector: { disk: "ssd" } },
    },
    pod("port-any", at(8088), { runtimeClassName: "heavy" }),
    pod("port-loopback", at(8089, "127.0.0.1")),
    pod("port-client", sh("sleep 100"), { hostNetwork: true }),
  );
  for (const name of ["port-any", "port-loopback", "port-client"]) await until(name, 20_000, isReady);
  const path = "{.spec.overhead.cpu} {.spec.nodeSelector.disk}";
  assert.equal(await cluster.ok("get", "pod", "port-any", "-o", `jsonpath=${path}`), "5m ssd");
  const node = "{.status.addresses[0].address}";
  const address = await cluster.ok("get", "node", "node-1", "-o", `jsonpath=${node}`);
  const fromNode = (url: string): Promise<string> =>
    cluster.ok("exec", "port-client", "--", "wget", "-qO-", "-T", "2", url);
  await eventually("the host port answers", 5000, async () => {
    const answer = await fetch(`http://${address}:8088/`).catch(() => undefined);
    return (await answer?.text()) === "port-any\n" ? true : undefined;
  });
  assert.equal(await fromNode(`http://${address}:8088/`), "port-any\n");
  assert.equal(await fromNode("http://127.0.0.1:8088/"), "port-any\n");
  assert.equal(await fromNode("http://127.0.0.1:8089/"), "port-loopback\n");
  await assert.rejects(fetch(`http://${address}:8089/`));
  assert.match(await cluster.ok("exec", "port-any", "--", "sh", "-c", "env"), /^a-1=b$/m);

  const unknown = pod("classless", {}, { runtimeClassName: "gone" });
  const { code, stderr } = await cluster.kubectlWith({ input: JSON.stringify(unknown) }, "create", "-f", "-");
  assert.equal(code, 1);
  assert.match(stderr, /pods "classless" is forbidden: pod rejected: RuntimeClass "gone" not found/);
  await cluster.ok("delete", "pod", "port-any", "port-loopback", "port-client", "--force");
});

test("init containers, a sidecar and the main container follow each other, and end in order", async () => {
  const image = { image: "busybox", imagePullPolicy: "IfNotPresent" };
  await apply(
    pod(
      "order",
      { ...sh("cat /e/log; sleep 1"), volumeMounts: [{ name: "e", mountPath: "/e" }] },
      {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 5,
        volumes: [{ name: "e", emptyDir: {} }],
        initContainers: [
          {
            name: "side",
            ...image,
            restartPolicy: "Always",
            ...sh(
              "echo side >> /e/log; trap 'echo bye; exit 0' TERM; touch /up; while :; do sleep 0.1; done",
            ),
            startupProbe: { exec: { command: ["cat", "/up"] }, periodSeconds: 1 },
            volumeMounts: [{ name: "e", mountPath: "/e" }],
          },
          {
            name: "init",
            ...image,
            ...sh("echo init >> /e/log"),
            volumeMounts: [{ name: "e", mountPath: "/e" }],
          },
        ],
      },
    ),
  );
  await until("order", 20_000, (p) => p.status.phase === "Succeeded");
  assert.equal(await cluster.ok("logs", "order", "-c", "c"), "side\ninit\n");
  assert.equal(await cluster.ok("logs", "order", "-c", "side"), "bye\n");
});

test("probes: ready when it answers, restarted when it does not live", async () => {
  await apply(
    pod("probed", {
      ...sh("mkdir /w; echo ok > /w/h; sleep 1; httpd -p 8080 -h /w; sleep 3; rm /w/h; sleep 1000"),
      ports: [{ name: "web", containerPort: 8080 }],
      startupProbe: { tcpSocket: { port: "web" }, periodSeconds: 1, failureThreshold: 20 },
      readinessProbe: { httpGet: { path: "/h", port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
      livenessProbe: {
        exec: { command: ["cat", "/w/h"] },
        periodSeconds: 1,
        failureThreshold: 2,
        terminationGracePeriodSeconds: 1,
      },
    }),
  );
  await until("probed", 15_000, isReady);
  await until("probed", 15_000, (p) => p.status.containerStatuses![0]!.restartCount === 1);
  const wanted = [
    "Unhealthy: Liveness probe failed: cat: can't open '/w/h': No such file or directory",
    "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404",
    "Killing: Container c failed liveness probe, will be restarted",
  ];
  await eventually(`the events ${wanted.join("; ")}`, 3000, async () => {
    const told = await eventsOf("probed");
    return wanted.every((line) => told.includes(line)) || undefined;
  });
});

test("volumes follow their objects; a changed image restarts its container", async () => {
  await apply(
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "live" }, data: { k: "one" } },
    pod(
      "live",
      {
        ...sh("while :; do [ $(cat /v/k) = one ] || { echo changed; break; }; sleep 0.1; done; sleep 1000"),
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      },
      { volumes: [{ name: "v", configMap: { name: "live" } }] },
    ),
  );
  await until("live", 15_000, isReady);
  await cluster.ok("patch", "configmap", "live", "-p", '{"data":{"k":"two"}}');
  await eventually("the container sees the change", 5000, async () =>
    (await cluster.ok("logs", "live")) === "changed\n" ? true : undefined,
  );
  await cluster.ok("set", "image", "pod/live", "c=nginx");
  const next = await until("live", 15_000, (p) => p.status.containerStatuses![0]!.restartCount === 1);
  assert.ok(next.status.podIP);
});

test("an end has its grace period: hook first, then the signal; a deadline is an end too", async () => {
  await apply(
    pod(
      "graceful",
      {
        ...sh("trap 'sleep 0.2; exit 0' TERM; while :; do sleep 0.1; done"),
        lifecycle: {
          postStart: { exec: { command: ["touch", "/up"] } },
          preStop: { exec: { command: ["sleep", "1"] } },
        },
      },
      { terminationGracePeriodSeconds: 20 },
    ),
    pod("late", sh("sleep 1000"), { activeDeadlineSeconds: 2 }),
  );
  await until("graceful", 15_000, isReady);
  const from = performance.now();
  await cluster.ok("delete", "pod", "graceful");
  const took = performance.now() - from;
  assert.ok(took > 1000 && took < 8000, `took ${took} ms`);
  const late = await until("late", 10_000, (p) => p.status.phase === "Failed");
  assert.equal(late.status.reason, "DeadlineExceeded");
});

test("a pod deleted by force is gone from the node too, also when it was ending slowly", async () => {
  await apply(
    pod("slow", sh("sleep 1000"), { terminationGracePeriodSeconds: 60 }),
    pod("sudden", sh("sleep 1000"), { terminationGracePeriodSeconds: 60 }),
  );
  const uids = (await Promise.all([until("slow", 15_000, isReady), until("sudden", 15_000, isReady)])).map(
    (p) => p.metadata.uid,
  );
  await cluster.ok("delete", "pod", "slow", "--wait=false");
  await cluster.ok("delete", "pod", "slow", "sudden", "--force", "--grace-period=0");
  await eventually("their processes are gone", 10_000, async () => {
    const groups = readdirSync("/sys/fs/cgroup", { recursive: true }).map(String);
    return groups.some((g) => uids.some((uid) => g.includes(uid))) ? undefined : true;
  });
});

test("the node process and containerd are killed: no container restarts, no address changes", async () => {
  await apply(
    pod("steady", { ...sh("sleep 1000"), readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 } }),
  );
  const before = await until("steady", 15_000, isReady);
  const processes = JSON.parse((await cluster.portolan("status", "--name", "pods", "-o", "json")).stdout)
    .processes as { role: string; pid: number }[];
  for (const role of ["node-1/node", "node-1/containerd"]) {
    const { pid } = processes.find((p) => p.role === role)!;
    process.kill(pid, "SIGKILL");
  }
  await apply(pod("after", sh("sleep 1000")));
  await until("after", 30_000, isReady);
  const now = await get("steady");
  assert.deepEqual(
    {
      id: now.status.containerStatuses![0]!.containerID,
      restarts: now.status.containerStatuses![0]!.restartCount,
      ip: now.status.podIP,
      ready: isReady(now),
    },
    {
      id: before.status.containerStatuses![0]!.containerID,
      restarts: 0,
      ip: before.status.podIP,
      ready: true,
    },
  );
});
