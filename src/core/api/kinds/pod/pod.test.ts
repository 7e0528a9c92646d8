import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../test/support/kind-rules.ts";
import type { ContainerStatus, Pod, PodSpec } from "../../types.ts";
import { defaultPullPolicy } from "./image-pull-policy.ts";
import { pod, qosClass, setPodSpecDefaults } from "./mod.ts";

const policies: [image: string, policy: string][] = [
  ["nginx", "Always"],
  ["nginx:latest", "Always"],
  ["nginx:1.27", "IfNotPresent"],
  ["registry:5000/nginx", "Always"],
  ["registry:5000/nginx:1", "IfNotPresent"],
  [`nginx@sha256:${"a".repeat(64)}`, "IfNotPresent"],
];
for (const [image, policy] of policies)
  test(`pull policy of ${image}`, () => assert.equal(defaultPullPolicy(image), policy));

test("defaults of a pod, as Kubernetes writes them", () => {
  const p: Pod = {
    metadata: { name: "web" },
    spec: {
      containers: [
        {
          name: "c",
          image: "nginx",
          ports: [{ containerPort: 80 }],
          resources: { limits: { cpu: "0.5", memory: "1024Mi" } },
          livenessProbe: { httpGet: { port: 80 } },
          env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        },
      ],
      volumes: [
        { name: "a" },
        { name: "b", configMap: { name: "cm" } },
        { name: "c", image: { reference: "nginx" } },
        { name: "d", image: { reference: "nginx:1" } },
        { name: "e", image: { reference: "nginx:1", pullPolicy: "Never" } },
      ],
    },
  };
  pod.setDefaults!(p);
  assert.deepEqual(p.spec, {
    containers: [
      {
        name: "c",
        image: "nginx",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        resources: { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } },
        livenessProbe: {
          httpGet: { port: 80, path: "/", scheme: "HTTP" },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name", apiVersion: "v1" } } }],
        imagePullPolicy: "Always",
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ],
    volumes: [
      { name: "a", emptyDir: {} },
      { name: "b", configMap: { name: "cm", defaultMode: 420 } },
      { name: "c", image: { reference: "nginx", pullPolicy: "Always" } },
      { name: "d", image: { reference: "nginx:1", pullPolicy: "IfNotPresent" } },
      { name: "e", image: { reference: "nginx:1", pullPolicy: "Never" } },
    ],
    dnsPolicy: "ClusterFirst",
    restartPolicy: "Always",
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    schedulerName: "default-scheduler",
    enableServiceLinks: true,
  });
  const again = structuredClone(p);
  pod.setDefaults!(again);
  assert.deepEqual(again, p, "defaults change nothing the second time");
});

test("a template's spec gets neither enableServiceLinks nor requests from limits", () => {
  const spec: PodSpec = { containers: [{ name: "c", image: "a:1", resources: { limits: { cpu: "1" } } }] };
  setPodSpecDefaults(spec);
  assert.equal(spec.enableServiceLinks, undefined);
  assert.deepEqual(spec.containers[0]!.resources, { limits: { cpu: "1" } });
});

test("on the host's network ports are the host's", () => {
  const p: Pod = {
    metadata: {},
    spec: { hostNetwork: true, containers: [{ name: "c", image: "a", ports: [{ containerPort: 80 }] }] },
  };
  pod.setDefaults!(p);
  assert.equal(p.spec!.containers[0]!.ports![0]!.hostPort, 80);
});

const cpuMemory = (cpu: string, memory: string) => ({ cpu, memory });
const qos: [name: string, resources: object[], expected: string][] = [
  ["nothing asked", [{}], "BestEffort"],
  ["zero asked", [{ requests: { cpu: "0" } }], "BestEffort"],
  ["limits only", [{ limits: cpuMemory("1", "1Gi") }], "Guaranteed"],
  [
    "equal in other words",
    [{ limits: cpuMemory("1", "1Gi"), requests: cpuMemory("1000m", "1024Mi") }],
    "Guaranteed",
  ],
  ["one container without", [{ limits: cpuMemory("1", "1Gi") }, {}], "Burstable"],
  [
    "request below limit",
    [{ limits: cpuMemory("1", "1Gi"), requests: cpuMemory("500m", "1Gi") }],
    "Burstable",
  ],
  ["cpu only", [{ limits: { cpu: "1" } }], "Burstable"],
];
for (const [name, resources, expected] of qos)
  test(`QoS class: ${name}`, () =>
    assert.equal(
      qosClass({ containers: resources.map((r, i) => ({ name: `c${i}`, resources: r })) }),
      expected,
    ));

test("create clears status, counts generation, and says Pending", () => {
  const p: Pod = {
    metadata: { name: "a", generation: 7 },
    spec: { containers: [{ name: "c", image: "a" }] },
    status: { phase: "Running" },
  };
  pod.prepareForCreate!(p, ctx);
  assert.deepEqual(p.status, { phase: "Pending", qosClass: "BestEffort" });
  assert.equal(p.metadata.generation, 1);
});

const now = Date.parse("2026-01-01T00:10:00Z");
const status = (name: string, s: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  image: "",
  imageID: "",
  ready: false,
  restartCount: 0,
  ...s,
});
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const waiting = (reason: string) => ({ waiting: { reason } });
const ended = (exitCode: number, more: object = {}) => ({ terminated: { exitCode, ...more } });

interface Row {
  name: string;
  spec?: Partial<PodSpec>;
  status: Pod["status"];
  meta?: object;
  cells: string;
}
const one = { containers: [{ name: "a" }] };
const rows: Row[] = [
  { name: "pending", spec: one, status: { phase: "Pending" }, cells: "0/1 Pending 0" },
  {
    name: "creating",
    spec: one,
    status: { phase: "Pending", containerStatuses: [status("a", { state: waiting("ContainerCreating") })] },
    cells: "0/1 ContainerCreating 0",
  },
  {
    name: "running",
    spec: one,
    status: { phase: "Running", containerStatuses: [status("a", { state: running, ready: true })] },
    cells: "1/1 Running 0",
  },
  {
    name: "crashing",
    spec: one,
    status: {
      phase: "Running",
      containerStatuses: [
        status("a", {
          state: waiting("CrashLoopBackOff"),
          restartCount: 3,
          lastState: ended(1, { finishedAt: "2026-01-01T00:09:55Z" }),
        }),
      ],
    },
    cells: "0/1 CrashLoopBackOff 3 (5s ago)",
  },
  {
    name: "completed",
    spec: one,
    status: {
      phase: "Succeeded",
      containerStatuses: [status("a", { state: ended(0, { reason: "Completed" }) })],
    },
    cells: "0/1 Completed 0",
  },
  {
    name: "ended without reason",
    spec: one,
    status: { phase: "Failed", containerStatuses: [status("a", { state: ended(3) })] },
    cells: "0/1 ExitCode:3 0",
  },
  {
    name: "killed by a signal",
    spec: one,
    status: { phase: "Failed", containerStatuses: [status("a", { state: ended(137, { signal: 9 }) })] },
    cells: "0/1 Signal:9 0",
  },
  {
    name: "one of two completed, the pod not ready",
    spec: { containers: [{ name: "a" }, { name: "b" }] },
    status: {
      phase: "Running",
      containerStatuses: [
        status("a", { state: ended(0, { reason: "Completed" }) }),
        status("b", { state: running, ready: true }),
      ],
    },
    cells: "1/2 NotReady 0",
  },
  {
    name: "first init container at work",
    spec: { ...one, initContainers: [{ name: "i" }, { name: "j" }] },
    status: {
      phase: "Pending",
      initContainerStatuses: [
        status("i", { state: running }),
        status("j", { state: waiting("PodInitializing") }),
      ],
    },
    cells: "0/1 Init:0/2 0",
  },
  {
    name: "init container failing",
    spec: { ...one, initContainers: [{ name: "i" }] },
    status: {
      phase: "Pending",
      initContainerStatuses: [status("i", { state: waiting("CrashLoopBackOff"), restartCount: 2 })],
    },
    cells: "0/1 Init:CrashLoopBackOff 2",
  },
  {
    name: "init container ended badly",
    spec: { ...one, initContainers: [{ name: "i" }] },
    status: { phase: "Failed", initContainerStatuses: [status("i", { state: ended(2) })] },
    cells: "0/1 Init:ExitCode:2 0",
  },
  {
    name: "with a ready sidecar",
    spec: { ...one, initContainers: [{ name: "s", restartPolicy: "Always" }] },
    status: {
      phase: "Running",
      initContainerStatuses: [status("s", { state: running, ready: true, started: true, restartCount: 1 })],
      containerStatuses: [status("a", { state: running, ready: true })],
    },
    cells: "2/2 Running 1",
  },
  {
    name: "terminating",
    spec: one,
    meta: { deletionTimestamp: "2026-01-01T00:09:00Z" },
    status: { phase: "Running", containerStatuses: [status("a", { state: running, ready: true })] },
    cells: "1/1 Terminating 0",
  },
  {
    name: "lost with its node",
    spec: one,
    meta: { deletionTimestamp: "2026-01-01T00:09:00Z" },
    status: { phase: "Running", reason: "NodeLost" },
    cells: "0/1 Unknown 0",
  },
  { name: "evicted", spec: one, status: { phase: "Failed", reason: "Evicted" }, cells: "0/1 Evicted 0" },
  {
    name: "gated",
    spec: one,
    status: {
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
    },
    cells: "0/1 SchedulingGated 0",
  },
];
for (const row of rows)
  test(`kubectl get pods: ${row.name}`, () => {
    const p = { metadata: { name: "p", ...row.meta }, spec: row.spec, status: row.status } as Pod;
    const cells = pod.columns.slice(1, 4).map((c) => c.cell(p, now));
    assert.equal(cells.join(" "), row.cells);
  });

test("wide columns", () => {
  const p = {
    metadata: { name: "p", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { ...one, nodeName: "node-1", readinessGates: [{ conditionType: "a/b" }] },
    status: { podIPs: [{ ip: "10.244.0.5" }], conditions: [{ type: "a/b", status: "True" }] },
  } as Pod;
  assert.deepEqual(
    pod.columns.slice(4).map((c) => c.cell(p, now)),
    ["10m", "10.244.0.5", "node-1", "<none>", "1/1"],
  );
});

test("a condition keeps the generation it was seen at when a writer leaves it out", () => {
  const condition = { type: "Ready", status: "True" };
  const old: Pod = {
    metadata: { name: "a" },
    status: { observedGeneration: 2, conditions: [{ ...condition, observedGeneration: 2 }] },
  };
  const p: Pod = { metadata: { name: "a" }, status: { podIP: "10.0.0.1", conditions: [{ ...condition }] } };
  pod.prepareForStatusUpdate!(p, old, ctx);
  assert.deepEqual(p.status, {
    observedGeneration: 2,
    podIP: "10.0.0.1",
    podIPs: [{ ip: "10.0.0.1" }],
    conditions: [{ ...condition, observedGeneration: 2 }],
  });
});

test("a negative grace period of a pod is taken for 1", () => {
  const spec = { containers: [{ name: "c", image: "nginx" }], terminationGracePeriodSeconds: -1 };
  const p = { metadata: { name: "web" }, spec } as Pod;
  pod.setDefaults!(p);
  assert.equal(p.spec!.terminationGracePeriodSeconds, 1);
});
