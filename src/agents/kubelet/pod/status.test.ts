import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "../../../core/api/types.ts";
import type { RuntimeContainer } from "../runtime/runtime.ts";
import type { PodState, ProbeResults } from "./state.ts";
import { podStatus } from "./status.ts";

const spec = (name: string, more: Partial<Container> = {}): Container =>
  ({ name, image: "i", ...more }) as Container;

function podOf(more: Partial<NonNullable<Pod["spec"]>> = {}): Pod {
  return {
    metadata: { name: "p", namespace: "ns", uid: "u", generation: 1 },
    spec: { containers: [spec("c")], ...more },
  } as unknown as Pod;
}

function ran(name: string, state: RuntimeContainer["state"], exitCode = 0): RuntimeContainer {
  return {
    id: `${name}1`,
    sandboxId: "s",
    podUid: "u",
    name,
    attempt: 0,
    state,
    createdAt: 1000,
    startedAt: 2000,
    finishedAt: state === "exited" ? 3000 : 0,
    exitCode,
    reason: "",
    message: "",
    image: "docker.io/library/i:latest",
    imageRef: "sha256:1",
    labels: {},
    annotations: {},
    logPath: "",
  };
}

interface Row {
  name: string;
  pod: Pod;
  containers: RuntimeContainer[];
  probes?: Record<string, ProbeResults>;
  ended?: true;
  phase: string;
  ready: string;
  initialized?: string;
  states: string[];
}

const never = { restartPolicy: "Never" } as const;
const sidecar = spec("sc", { restartPolicy: "Always" });

const rows: Row[] = [
  {
    name: "nothing yet",
    pod: podOf(),
    containers: [],
    phase: "Pending",
    ready: "False ContainersNotReady containers with unready status: [c]",
    states: ["waiting ContainerCreating"],
  },
  {
    name: "init containers to come",
    pod: podOf({ initContainers: [spec("i")] }),
    containers: [],
    phase: "Pending",
    ready: "False ContainersNotReady containers with unready status: [c]",
    initialized: "False ContainersNotInitialized containers with incomplete status: [i]",
    states: ["waiting PodInitializing"],
  },
  {
    name: "running, no probe",
    pod: podOf(),
    containers: [ran("c", "running")],
    phase: "Running",
    ready: "True",
    states: ["running"],
  },
  {
    name: "running, readiness unknown",
    pod: podOf({ containers: [spec("c", { readinessProbe: {} })] }),
    containers: [ran("c", "running")],
    phase: "Running",
    ready: "False ContainersNotReady containers with unready status: [c]",
    states: ["running"],
  },
  {
    name: "running, readiness yes",
    pod: podOf({ containers: [spec("c", { readinessProbe: {} })] }),
    containers: [ran("c", "running")],
    probes: { c1: { readiness: true } },
    phase: "Running",
    ready: "True",
    states: ["running"],
  },
  {
    name: "one of two not started: pending",
    pod: podOf({ containers: [spec("a"), spec("b")] }),
    containers: [ran("a", "running")],
    phase: "Pending",
    ready: "False ContainersNotReady containers with unready status: [b]",
    states: ["running", "waiting ContainerCreating"],
  },
  {
    name: "succeeded",
    pod: podOf(never),
    containers: [ran("c", "exited")],
    phase: "Succeeded",
    ready: "False PodCompleted",
    initialized: "True PodCompleted",
    states: ["terminated Completed 0"],
  },
  {
    name: "failed",
    pod: podOf(never),
    containers: [ran("c", "exited", 3)],
    phase: "Failed",
    ready: "False PodFailed",
    states: ["terminated Error 3"],
  },
  {
    name: "dead but to be restarted: running",
    pod: podOf(),
    containers: [ran("c", "exited", 1)],
    phase: "Running",
    ready: "False ContainersNotReady containers with unready status: [c]",
    states: ["terminated Error 1"],
  },
  {
    name: "the main container is done, its sidecar still runs",
    pod: podOf({ ...never, initContainers: [sidecar] }),
    containers: [ran("sc", "running"), ran("c", "exited")],
    phase: "Running",
    ready: "False ContainersNotReady containers with unready status: [c]",
    states: ["terminated Completed 0"],
  },
  {
    name: "a failed init container under Never",
    pod: podOf({ ...never, initContainers: [spec("i")] }),
    containers: [ran("i", "exited", 1)],
    phase: "Failed",
    ready: "False PodFailed",
    initialized: "False ContainersNotInitialized containers with incomplete status: [i]",
    states: ["waiting PodInitializing"],
  },
  {
    name: "deleted while it ran: failed, as its exit code says",
    pod: podOf(),
    containers: [ran("c", "exited", 137)],
    ended: true,
    phase: "Failed",
    ready: "False PodFailed",
    states: ["terminated Error 137"],
  },
  {
    name: "a readiness gate that nobody answered",
    pod: podOf({ readinessGates: [{ conditionType: "x/y" }] }),
    containers: [ran("c", "running")],
    phase: "Running",
    ready: 'False ReadinessGatesNotReady corresponding condition of pod readiness gate "x/y" does not exist.',
    states: ["running"],
  },
];

for (const row of rows) {
  test(row.name, () => {
    const state: PodState = {
      sandbox: {
        id: "s",
        podUid: "u",
        podName: "p",
        podNamespace: "ns",
        attempt: 0,
        ready: true,
        createdAt: 0,
        ips: ["10.0.0.2"],
      },
      containers: row.containers,
      probes: new Map(Object.entries(row.probes ?? {})),
      failures: new Map(),
      stopping: new Set(),
      hooking: new Set(),
      resized: new Map(),
      resizePending: undefined,
    };
    const status = podStatus({
      pod: row.pod,
      state,
      waiting: [],
      messages: new Map(),
      hostIPs: ["172.30.0.2"],
      startTime: "2026-01-01T00:00:00Z",
      ended: row.ended ?? false,
      podIPs: [],
      now: "2026-01-01T00:00:01Z",
    });
    const condition = (type: string): string => {
      const c = status.conditions!.find((x) => x.type === type)!;
      return [c.status, c.reason, c.message].filter(Boolean).join(" ");
    };
    assert.equal(status.phase, row.phase);
    assert.equal(condition("Ready"), row.ready);
    assert.equal(condition("ContainersReady") === "True" || !row.ready.startsWith("True"), true);
    assert.equal(condition("Initialized"), row.initialized ?? "True");
    assert.equal(status.podIP, "10.0.0.2");
    const words = status.containerStatuses!.map((s) => {
      const { waiting, running, terminated } = s.state!;
      if (waiting) return `waiting ${waiting.reason}`;
      return running ? "running" : `terminated ${terminated!.reason} ${terminated!.exitCode}`;
    });
    assert.deepEqual(words, row.states);
  });
}

test("a final phase keeps its reason and what the runtime has forgotten; another one loses them", () => {
  const told = { name: "gone", state: { terminated: { exitCode: 137, reason: "Error" } } };
  const rows = [
    ["Failed", "Evicted", "over its limit", told.state],
    ["Pending", undefined, undefined, { waiting: { reason: "ContainerCreating" } }],
  ] as const;
  for (const [phase, reason, message, state] of rows) {
    const status = podStatus({
      pod: {
        ...podOf({ containers: [spec("c"), spec("gone")] }),
        status: { phase, reason: "Evicted", message: "over its limit", containerStatuses: [told] },
      } as Pod,
      state: {
        sandbox: undefined,
        containers: [ran("c", "running")],
        probes: new Map(),
        failures: new Map(),
        stopping: new Set(),
        hooking: new Set(),
        resized: new Map(),
        resizePending: undefined,
      },
      waiting: [],
      messages: new Map(),
      hostIPs: ["172.30.0.2"],
      startTime: "2026-01-01T00:00:00Z",
      ended: false,
      podIPs: [],
      now: "2026-01-01T00:00:01Z",
    });
    assert.deepEqual([status.phase, status.reason, status.message], [phase, reason, message]);
    assert.deepEqual(status.containerStatuses?.[1]?.state, state);
  }
});
