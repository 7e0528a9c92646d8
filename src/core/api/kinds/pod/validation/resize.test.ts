import assert from "node:assert/strict";
import { test } from "node:test";
import { ctx } from "../../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../../status.ts";
import type { Container, Pod, PodSpec } from "../../../types.ts";
import { pod, prepareResize, validateResize } from "../mod.ts";

const container = (name: string, requests: object, limits?: object): Container =>
  ({ name, image: "nginx", resources: { requests, ...(limits && { limits }) } }) as Container;

function resize(change: (s: PodSpec) => void): { pod: Pod; messages: string[] } {
  const old: Pod = {
    metadata: { name: "web", namespace: "default", resourceVersion: "1", generation: 1 },
    spec: {
      containers: [container("a", { cpu: "100m" }, { memory: "64Mi" }), container("b", { cpu: "100m" })],
      initContainers: [container("i", { cpu: "50m" })],
    } as PodSpec,
  };
  pod.setDefaults!(old);
  pod.prepareForCreate!(old, ctx);
  const now = structuredClone(old);
  change(now.spec!);
  pod.setDefaults!(now);
  prepareResize(now, old);
  return { pod: now, messages: validateResize(now, old).map(fieldErrorMessage) };
}

const rows: [name: string, change: (s: PodSpec) => void, messages: string[]][] = [
  ["nothing", () => {}, []],
  [
    "more cpu",
    (s) => {
      s.containers[0]!.resources!.requests!.cpu = "200m";
    },
    [],
  ],
  [
    "fields that are no resources are not taken",
    (s) => {
      s.containers[0]!.image = "other";
    },
    [],
  ],
  [
    "reordered",
    (s) => void s.containers.reverse(),
    [
      "spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize",
      "spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize",
    ],
  ],
  [
    "renamed init container",
    (s) => {
      s.initContainers![0]!.name = "j";
    },
    ["spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on resize"],
  ],
  [
    "one more",
    (s) => void s.containers.push(container("c", { cpu: "1" })),
    ["spec.containers: Forbidden: containers may not be added or removed on resize"],
  ],
  [
    "request removed",
    (s) => {
      delete s.containers[1]!.resources!.requests!.cpu;
    },
    ["spec.containers[1].resources.requests: Forbidden: resource requests cannot be removed"],
  ],
  [
    "limit removed",
    (s) => {
      delete s.containers[0]!.resources!.limits!.memory;
    },
    ["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"],
  ],
  [
    "another resource",
    (s) => {
      s.containers[1]!.resources!.requests!["ephemeral-storage"] = "1Gi";
    },
    ["spec: Forbidden: only cpu and memory resources are mutable"],
  ],
  [
    "init container that is no sidecar",
    (s) => {
      s.initContainers![0]!.resources!.requests!.cpu = "60m";
    },
    ["spec: Forbidden: resources for non-sidecar init containers are immutable"],
  ],
];

for (const [name, change, messages] of rows)
  test(`pods/resize: ${name}`, () => {
    assert.deepEqual(resize(change).messages, messages);
  });

test("pods/resize: a change counts as a generation", () => {
  const generation = (change: (s: PodSpec) => void) => resize(change).pod.metadata.generation;
  assert.equal(
    generation((s) => {
      s.containers[0]!.resources!.requests!.cpu = "200m";
    }),
    generation(() => {})! + 1,
  );
});
