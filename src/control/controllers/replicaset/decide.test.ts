import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../../core/api/types.ts";
import { burst, decideReplicas, type Replicator, replicaStatus } from "./decide.ts";

const now = Date.parse("2030-01-01T01:00:00Z");
const owner = (replicas: number, more: Partial<NonNullable<Replicator["spec"]>> = {}): Replicator => ({
  metadata: { name: "web", uid: "o", generation: 2 },
  spec: { replicas, template: { metadata: { labels: { app: "web" } } }, ...more },
});

interface Traits {
  phase?: string;
  node?: string;
  ready?: string | false;
  dying?: boolean;
  cost?: string;
  restarts?: number;
  created?: string;
  labels?: Record<string, string>;
}
function pod(name: string, t: Traits = {}): Pod {
  const ready = t.ready ?? "2030-01-01T00:00:00Z";
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      labels: t.labels ?? { app: "web" },
      creationTimestamp: t.created ?? "2030-01-01T00:00:00Z",
      ...(t.dying ? { deletionTimestamp: "2030-01-01T00:59:00Z" } : {}),
      ...(t.cost ? { annotations: { "controller.kubernetes.io/pod-deletion-cost": t.cost } } : {}),
    },
    spec: { containers: [], ...(t.node === "" ? {} : { nodeName: t.node ?? "n1" }) },
    status: {
      phase: t.phase ?? "Running",
      conditions: [
        ready
          ? { type: "Ready", status: "True", lastTransitionTime: ready }
          : { type: "Ready", status: "False" },
      ],
      containerStatuses: [{ name: "c", ready: true, image: "", imageID: "", restartCount: t.restarts ?? 0 }],
    },
  };
}
const decide = (o: Replicator, pods: Pod[], leaving: string[] = []) =>
  decideReplicas(o, pods, {
    related: pods,
    nowMs: now,
    leaving: (p) => leaving.includes(p.metadata.name!),
  });

test("how many pods are made", async (t) => {
  const rows: [string, Replicator, Pod[], number][] = [
    ["none there", owner(3), [], 3],
    ["enough there", owner(1), [pod("a")], 0],
    [
      "finished and dying ones do not count",
      owner(2),
      [pod("a", { phase: "Failed" }), pod("b", { dying: true })],
      2,
    ],
    ["no more than a burst", owner(burst + 100), [], burst],
    ["an owner being deleted makes none", { ...owner(2), metadata: { deletionTimestamp: "x" } }, [], 0],
    ["replicas default to one", { metadata: {}, spec: {} }, [], 1],
  ];
  for (const [name, o, pods, expected] of rows)
    await t.test(name, () => assert.deepEqual(decide(o, pods), { create: expected, remove: [] }));
});

test("which pods go first", async (t) => {
  const rows: [string, Pod[]][] = [
    ["the one without a node", [pod("first", { node: "" }), pod("b")]],
    ["the pending one", [pod("b"), pod("first", { phase: "Pending" })]],
    ["the one that is not ready", [pod("b"), pod("first", { ready: false })]],
    ["the cheaper one", [pod("b", { cost: "1" }), pod("c", { cost: "5" }), pod("first", { cost: "-3" })]],
    ["a cost that is no number counts as zero", [pod("b", { cost: "+1" }), pod("first", { cost: "-1" })]],
    [
      "one of a crowded node",
      [pod("b", { node: "n2" }), pod("first", { node: "n1" }), pod("c", { node: "n1" })],
    ],
    ["the one ready for a shorter time", [pod("b"), pod("first", { ready: "2030-01-01T00:59:50Z" })]],
    ["of one age class the lower uid", [pod("zz", { ready: "2030-01-01T00:00:01Z" }), pod("first")]],
    ["the one that restarted more", [pod("b"), pod("first", { restarts: 2 })]],
    ["the younger one", [pod("b"), pod("first", { created: "2030-01-01T00:59:59Z" })]],
  ];
  for (const [name, pods] of rows)
    await t.test(name, () => {
      const removed = decide(owner(pods.length - 1), pods).remove.map((p) => p.metadata.name);
      if (name === "one of a crowded node") assert.ok(["first", "c"].includes(removed[0]!));
      else assert.deepEqual(removed, ["first"]);
    });
});

test("a pod whose deletion was asked for is neither counted nor asked again", () => {
  const pods = [pod("a"), pod("b"), pod("c")];
  assert.equal(decide(owner(2), pods, ["a"]).remove.length, 0);
  assert.equal(decide(owner(3), pods, ["a"]).create, 1);
});

test("the status counts what is there", () => {
  const pods = [
    pod("a"),
    pod("b", { ready: "2030-01-01T00:59:55Z", labels: { other: "x" } }),
    pod("c", { ready: false }),
    pod("d", { dying: true }),
    pod("e", { phase: "Succeeded" }),
  ];
  const { status, recheckMs } = replicaStatus(owner(3, { minReadySeconds: 10 }), pods, {
    nowMs: now,
    time: "T",
    failure: undefined,
    hasTerminating: true,
  });
  assert.deepEqual(status, {
    replicas: 3,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 2,
  });
  assert.equal(recheckMs, 5000);
});

test("a failure becomes a condition once and goes when all is well", () => {
  const options = { nowMs: now, time: "T1", hasTerminating: false };
  const failure = { reason: "FailedCreate", message: "quota" } as const;
  const condition = { type: "ReplicaFailure", status: "True", lastTransitionTime: "T1", ...failure };
  const o = owner(1);
  o.status = replicaStatus(o, [], { ...options, failure }).status;
  assert.deepEqual(o.status.conditions, [condition]);
  o.status = replicaStatus(o, [], {
    ...options,
    time: "T2",
    failure: { ...failure, message: "other" },
  }).status;
  assert.deepEqual(o.status.conditions, [condition]);
  o.status = replicaStatus(o, [], { ...options, failure: undefined }).status;
  assert.equal(o.status.conditions, undefined);
});
