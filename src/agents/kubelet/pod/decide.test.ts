import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "../../../core/api/types.ts";
import { createBackOff } from "../back-off.ts";
import { containerAnnotations, containerHash } from "../runtime/container-config.ts";
import type { RuntimeContainer, Sandbox } from "../runtime/runtime.ts";
import { decide } from "./decide.ts";
import type { PodState, ProbeResults, StartFailure } from "./state.ts";

const now = 1_000_000_000;

const spec = (name: string, more: Partial<Container> = {}): Container =>
  ({ name, image: "i", ...more }) as Container;

function podOf(more: Partial<NonNullable<Pod["spec"]>> = {}, phase?: string): Pod {
  return {
    metadata: { name: "p", namespace: "ns", uid: "u" },
    spec: { containers: [spec("c")], ...more },
    ...(phase ? { status: { phase } } : {}),
  } as unknown as Pod;
}

const box = (more: Partial<Sandbox> = {}): Sandbox => ({
  id: "s1",
  podUid: "u",
  podName: "p",
  podNamespace: "ns",
  attempt: 0,
  ready: true,
  createdAt: now - 60_000,
  ips: ["10.0.0.2"],
  ...more,
});

function ran(name: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer {
  const attempt = more.attempt ?? 0;
  return {
    id: `${name}-${attempt}`,
    sandboxId: "s1",
    podUid: "u",
    name,
    attempt,
    state: "running",
    createdAt: now - 50_000 + attempt,
    startedAt: now - 50_000,
    finishedAt: more.state === "exited" ? now - 1000 : 0,
    exitCode: 0,
    reason: "",
    message: "",
    image: "i",
    imageRef: "sha256:1",
    labels: {},
    annotations: {
      [containerAnnotations.restartCount]: String(attempt),
      [containerAnnotations.hash]: containerHash(spec(name)),
    },
    logPath: "",
    ...more,
  };
}

const exited = (name: string, exitCode: number, more: Partial<RuntimeContainer> = {}): RuntimeContainer =>
  ran(name, { state: "exited", exitCode, ...more });

interface Row {
  name: string;
  pod: Pod;
  sandbox?: Sandbox;
  containers?: RuntimeContainer[];
  probes?: Record<string, ProbeResults>;
  failures?: Record<string, StartFailure>;
  stopping?: string[];
  expect: {
    newSandbox?: true;
    finished?: true;
    start?: string[];
    kill?: string[];
    waiting?: string[];
    wakeAt?: number;
  };
}

const sidecar = spec("sc", { restartPolicy: "Always" });
const probe = { tcpSocket: { port: 1 } };

const rows: Row[] = [
  { name: "a new pod needs a sandbox", pod: podOf(), expect: { newSandbox: true } },
  {
    name: "in a ready sandbox the container starts",
    pod: podOf(),
    sandbox: box(),
    expect: { start: ["c#0"] },
  },
  {
    name: "a running container is left alone",
    pod: podOf(),
    sandbox: box(),
    containers: [ran("c")],
    expect: {},
  },
  {
    name: "all main containers start, in order",
    pod: podOf({ containers: [spec("a"), spec("b")] }),
    sandbox: box(),
    expect: { start: ["a#0", "b#0"] },
  },
  {
    name: "a dead container starts again under Always",
    pod: podOf(),
    sandbox: box(),
    containers: [exited("c", 0)],
    expect: { start: ["c#1"] },
  },
  {
    name: "OnFailure: success is the end",
    pod: podOf({ restartPolicy: "OnFailure" }),
    sandbox: box(),
    containers: [exited("c", 0)],
    expect: { finished: true },
  },
  {
    name: "OnFailure: failure starts again",
    pod: podOf({ restartPolicy: "OnFailure" }),
    sandbox: box(),
    containers: [exited("c", 1)],
    expect: { start: ["c#1"] },
  },
  {
    name: "Never: failure is the end",
    pod: podOf({ restartPolicy: "Never" }),
    sandbox: box(),
    containers: [exited("c", 1)],
    expect: { finished: true },
  },
  {
    name: "a restart rule beats Never",
    pod: podOf({
      restartPolicy: "Never",
      containers: [
        spec("c", {
          restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
        } as unknown as Partial<Container>),
      ],
    }),
    sandbox: box(),
    containers: [exited("c", 42)],
    expect: { start: ["c#1"] },
  },
  {
    name: "a lost sandbox under Never is the end of what ran",
    pod: podOf({ restartPolicy: "Never" }),
    sandbox: box({ ready: false }),
    containers: [exited("c", 137)],
    expect: { finished: true },
  },
  {
    name: "a lost sandbox takes what still runs with it: under Never for good",
    pod: podOf({ restartPolicy: "Never" }),
    sandbox: box({ ready: false }),
    containers: [ran("c")],
    expect: { finished: true },
  },
  {
    name: "a lost sandbox takes what still runs with it: else into a new one",
    pod: podOf({ restartPolicy: "OnFailure" }),
    sandbox: box({ ready: false }),
    containers: [ran("c")],
    expect: { newSandbox: true },
  },
  {
    name: "a lost sandbox under Always is made anew",
    pod: podOf(),
    sandbox: box({ ready: false }),
    containers: [exited("c", 137)],
    expect: { newSandbox: true },
  },
  {
    name: "in a new sandbox the init containers run again",
    pod: podOf({ initContainers: [spec("i")] }),
    sandbox: box({ id: "s2", attempt: 1 }),
    containers: [exited("i", 0), exited("c", 137)],
    expect: { start: ["i#1"] },
  },
  {
    name: "a pod with a final phase stays finished",
    pod: podOf({}, "Failed"),
    sandbox: box(),
    containers: [exited("c", 1)],
    expect: { finished: true },
  },
  {
    name: "the first init container comes first",
    pod: podOf({ initContainers: [spec("i"), spec("j")] }),
    sandbox: box(),
    expect: { start: ["i#0"] },
  },
  {
    name: "a running init container holds back the rest",
    pod: podOf({ initContainers: [spec("i")] }),
    sandbox: box(),
    containers: [ran("i")],
    expect: {},
  },
  {
    name: "init done: the main container starts",
    pod: podOf({ initContainers: [spec("i")] }),
    sandbox: box(),
    containers: [exited("i", 0)],
    expect: { start: ["c#0"] },
  },
  {
    name: "a failed init container under Never fails the pod",
    pod: podOf({ initContainers: [spec("i")], restartPolicy: "Never" }),
    sandbox: box(),
    containers: [exited("i", 1)],
    expect: { finished: true },
  },
  {
    name: "a failed init container under Always starts again",
    pod: podOf({ initContainers: [spec("i")] }),
    sandbox: box(),
    containers: [exited("i", 1)],
    expect: { start: ["i#1"] },
  },
  {
    name: "init containers are not looked at once a main one ran",
    pod: podOf({ initContainers: [spec("i")] }),
    sandbox: box(),
    containers: [ran("c")],
    expect: {},
  },
  {
    name: "a started sidecar lets the main container start",
    pod: podOf({ initContainers: [sidecar] }),
    sandbox: box(),
    containers: [ran("sc")],
    expect: { start: ["c#0"] },
  },
  {
    name: "a sidecar that has not passed its startup probe holds back the rest",
    pod: podOf({ initContainers: [{ ...sidecar, startupProbe: probe } as Container] }),
    sandbox: box(),
    containers: [ran("sc")],
    expect: {},
  },
  {
    name: "a sidecar that died beside the main container starts again, Never or not",
    pod: podOf({ initContainers: [sidecar], restartPolicy: "Never" }),
    sandbox: box(),
    containers: [exited("sc", 0), ran("c")],
    expect: { start: ["sc#1"] },
  },
  {
    name: "sidecars do not keep a finished pod",
    pod: podOf({ initContainers: [sidecar], restartPolicy: "Never" }),
    sandbox: box(),
    containers: [ran("sc"), exited("c", 0)],
    expect: { finished: true },
  },
  {
    name: "a failed liveness probe kills",
    pod: podOf(),
    sandbox: box(),
    containers: [ran("c")],
    probes: { "c-0": { liveness: false } },
    expect: { kill: ["c-0: Container c failed liveness probe, will be restarted"] },
  },
  {
    name: "a failed startup probe under Never kills for good",
    pod: podOf({ restartPolicy: "Never" }),
    sandbox: box(),
    containers: [ran("c")],
    probes: { "c-0": { startup: false } },
    expect: { kill: ["c-0: Container c failed startup probe"] },
  },
  {
    name: "what is being stopped is not stopped twice",
    pod: podOf(),
    sandbox: box(),
    containers: [ran("c")],
    probes: { "c-0": { liveness: false } },
    stopping: ["c-0"],
    expect: {},
  },
  {
    name: "an unready container runs on",
    pod: podOf(),
    sandbox: box(),
    containers: [ran("c")],
    probes: { "c-0": { readiness: false } },
    expect: {},
  },
  {
    name: "a changed image restarts its container",
    pod: podOf({ containers: [spec("c", { image: "other" })] }),
    sandbox: box(),
    containers: [ran("c")],
    expect: { kill: ["c-0: Container c definition changed, will be restarted"] },
  },
  {
    name: "a failed start waits until it may be tried again",
    pod: podOf({ containers: [spec("a"), spec("b")] }),
    sandbox: box(),
    failures: { a: { reason: "ErrImagePull", message: "", retryAt: now + 5000 } },
    expect: { start: ["b#0"], wakeAt: now + 5000 },
  },
  {
    name: "an ephemeral container starts once, whatever the others do",
    pod: podOf({
      initContainers: [spec("i")],
      ephemeralContainers: [spec("e")] as unknown as NonNullable<Pod["spec"]>["ephemeralContainers"],
    }),
    sandbox: box(),
    containers: [ran("i")],
    expect: { start: ["e#0"] },
  },
  {
    name: "an ephemeral container that ended is not started again",
    pod: podOf({
      ephemeralContainers: [spec("e")] as unknown as NonNullable<Pod["spec"]>["ephemeralContainers"],
    }),
    sandbox: box(),
    containers: [ran("c"), exited("e", 0)],
    expect: {},
  },
];

for (const row of rows) {
  test(row.name, () => {
    const state: PodState = {
      sandbox: row.sandbox,
      containers: row.containers ?? [],
      probes: new Map(Object.entries(row.probes ?? {})),
      failures: new Map(Object.entries(row.failures ?? {})),
      stopping: new Set(row.stopping),
      hooking: new Set(),
      resized: new Map(),
      resizePending: undefined,
    };
    const plan = decide(row.pod, state, createBackOff(), now);
    assert.deepEqual(
      {
        newSandbox: plan.newSandbox,
        finished: plan.finished,
        start: plan.start.map((s) => `${s.container.name}#${s.attempt}`),
        kill: plan.kill.map((k) => `${k.container.id}: ${k.message}`),
        waiting: plan.waiting.map((w) => w.message),
        wakeAt: plan.wakeAt,
      },
      {
        newSandbox: false,
        finished: false,
        start: [],
        kill: [],
        waiting: [],
        wakeAt: undefined,
        ...row.expect,
      },
    );
  });
}

test("a resize is carried out as it runs, or by a restart where its policy asks for one", () => {
  const before = { [containerAnnotations.resources]: '{"requests":{"cpu":"1"},"limits":{}}' };
  const plan = (more: object) => {
    const container = spec("c", { resources: { requests: { cpu: "2" } }, ...more });
    const state: PodState = {
      sandbox: box(),
      containers: [ran("c", { annotations: before })],
      probes: new Map(),
      failures: new Map(),
      stopping: new Set(),
      hooking: new Set(),
      resized: new Map(),
      resizePending: undefined,
    };
    return decide(podOf({ containers: [container] }), state, createBackOff(), now);
  };
  assert.deepEqual(
    plan({}).resize.map((r) => r.container.id),
    ["c-0"],
  );
  const policy = { resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] };
  assert.deepEqual(
    plan(policy).kill.map((k) => k.message),
    ["Container c resize requires restart"],
  );
  assert.deepEqual(plan({ resources: { requests: { cpu: "1" } } }).resize, []);
});

test("restarts back off 10 s doubling to 5 min and forget after 10 min", () => {
  const pod = podOf();
  const backOff = createBackOff();
  let at = now;
  const seen: string[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    const state: PodState = {
      sandbox: box(),
      containers: [exited("c", 1, { attempt, finishedAt: at })],
      probes: new Map(),
      failures: new Map(),
      stopping: new Set(),
      hooking: new Set(),
      resized: new Map(),
      resizePending: undefined,
    };
    const first = decide(pod, state, backOff, at);
    if (first.waiting.length > 0) {
      seen.push(first.waiting[0]!.message);
      at = first.wakeAt!;
      assert.equal(decide(pod, state, backOff, at - 1).start.length, 0, "not before its time");
    } else seen.push("now");
    assert.equal(decide(pod, state, backOff, at).start.length, 1, "at its time");
    backOff.next("c", at, at);
    at += 100;
  }
  const text = (d: string): string => `back-off ${d} restarting failed container=c pod=p_ns(u)`;
  assert.deepEqual(seen, ["now", ...["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"].map(text)]);
  assert.equal(backOff.until("c", at + 700_000, at + 700_000), undefined);
});
