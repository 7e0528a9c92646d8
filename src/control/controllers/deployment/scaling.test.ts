import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, IntOrString, ReplicaSet } from "../../../core/api/types.ts";
import { rollingBounds } from "./bounds.ts";
import { isScaled, newReplicaSetSize, type Resize, rollingStep, scaleStep } from "./scaling.ts";

function deployment(
  replicas: number,
  maxSurge: IntOrString,
  maxUnavailable: IntOrString,
  status: Deployment["status"] = {},
): Deployment {
  return {
    metadata: { name: "web", namespace: "default", uid: "d" },
    spec: {
      replicas,
      selector: {},
      template: {},
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
    },
    status,
  };
}

/** `max`: the annotation that proportional scaling starts from. */
function rs(
  name: string,
  replicas: number,
  available = replicas,
  max?: number,
  desired?: number,
): ReplicaSet {
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: `2030-01-01T00:00:0${name.at(-1)}Z`,
      annotations: {
        ...(max === undefined ? {} : { "deployment.kubernetes.io/max-replicas": String(max) }),
        ...(desired === undefined ? {} : { "deployment.kubernetes.io/desired-replicas": String(desired) }),
      },
    },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  };
}
const told = (steps: Resize[]): Record<string, number> =>
  Object.fromEntries(steps.map((s) => [s.rs.metadata.name!, s.to]));

test("surge rounds up, unavailable down, never both to zero", async (t) => {
  const rows: [string, Deployment, number, number][] = [
    ["percentages of 10", deployment(10, "25%", "25%"), 3, 2],
    ["percentages of 1", deployment(1, "25%", "25%"), 1, 0],
    ["both zero", deployment(10, 0, 0), 0, 1],
    ["both zero by rounding", deployment(3, "0%", "10%"), 0, 1],
    ["more unavailable than there are", deployment(2, 0, 5), 0, 2],
    ["none wanted", deployment(0, "25%", "25%"), 0, 0],
  ];
  for (const [name, d, maxSurge, maxUnavailable] of rows)
    await t.test(name, () => assert.deepEqual(rollingBounds(d), { maxSurge, maxUnavailable }));
  const recreate = deployment(3, 1, 1);
  recreate.spec!.strategy = { type: "Recreate" };
  assert.deepEqual(rollingBounds(recreate), { maxSurge: 0, maxUnavailable: 0 });
});

test("the new one grows as far as the surge allows", async (t) => {
  const rows: [string, Deployment, number, ReplicaSet[], number][] = [
    ["alone", deployment(5, 1, 1), 0, [], 5],
    ["beside a full old one", deployment(5, 2, 0), 0, [rs("o1", 5)], 2],
    ["no room", deployment(5, 0, 1), 0, [rs("o1", 5)], 0],
    ["room left by the old one", deployment(5, 2, 0), 2, [rs("o1", 3)], 4],
  ];
  for (const [name, d, current, old, expected] of rows)
    await t.test(name, () => assert.equal(newReplicaSetSize(d, current, old), expected));
});

test("a step of a rolling update", async (t) => {
  const rows: [string, Deployment, ReplicaSet, ReplicaSet[], Record<string, number>][] = [
    ["up first", deployment(10, 2, 0), rs("n9", 0), [rs("o1", 10)], { n9: 2 }],
    ["too many of the new", deployment(5, 2, 0), rs("n9", 8), [], { n9: 5 }],
    ["waits for the new to be available", deployment(10, 2, 0), rs("n9", 2, 0), [rs("o1", 10)], {}],
    ["down when the new are there", deployment(10, 2, 0), rs("n9", 2, 2), [rs("o1", 10)], { o1: 8 }],
    ["down at once where some may be missing", deployment(10, 0, 2), rs("n9", 0), [rs("o1", 10)], { o1: 8 }],
    [
      "unhealthy old ones go first",
      deployment(10, 0, 2),
      rs("n9", 0),
      [rs("o1", 3, 0), rs("o2", 7, 7)],
      { o1: 1 },
    ],
    [
      "the oldest goes before the younger",
      deployment(10, 3, 2),
      rs("n9", 3, 3),
      [rs("o2", 5, 5), rs("o1", 5, 5)],
      { o1: 0 },
    ],
    ["done", deployment(3, 1, 1), rs("n9", 3), [rs("o1", 0)], {}],
  ];
  for (const [name, d, current, old, expected] of rows)
    await t.test(name, () => assert.deepEqual(told(rollingStep(d, current, old)), expected));
});

test("a changed total is shared in proportion", async (t) => {
  // Rows follow kubernetes pkg/controller/deployment/sync_test.go, TestScale.
  const rows: [string, Deployment, ReplicaSet | undefined, ReplicaSet[], Record<string, number>][] = [
    ["one alone takes all", deployment(12, 0, 1), rs("n9", 10, 10, 10), [], { n9: 12 }],
    ["as it is", deployment(10, 0, 1), rs("n9", 10, 10, 10), [], {}],
    ["no new one yet", deployment(12, 0, 1), undefined, [rs("o1", 10, 10, 10)], { o1: 12 }],
    [
      "10 to 12 over 5 and 5: the newer grows",
      deployment(12, 0, 1),
      rs("n9", 5, 5, 10),
      [rs("o1", 5, 5, 10)],
      { n9: 6, o1: 6 },
    ],
    [
      "10 to 20 over 8 and 2",
      deployment(20, 0, 1),
      rs("n9", 8, 8, 10),
      [rs("o1", 2, 2, 10)],
      { n9: 16, o1: 4 },
    ],
    ["10 to 3 over 7 and 3", deployment(3, 0, 1), rs("n9", 7, 7, 10), [rs("o1", 3, 3, 10)], { n9: 2, o1: 1 }],
    [
      "with surge, 10 to 20 over 6 and 7",
      deployment(20, 3, 1),
      rs("n9", 6, 6, 13),
      [rs("o1", 7, 7, 13)],
      { n9: 11, o1: 12 },
    ],
    ["down to none", deployment(0, 3, 1), rs("n9", 6, 6, 13), [rs("o1", 7, 7, 13)], { n9: 0, o1: 0 }],
    [
      "a full new one empties the others",
      deployment(5, 1, 1),
      rs("n9", 5, 5, 6, 5),
      [rs("o1", 2, 2, 6), rs("o2", 1, 1, 6)],
      { o1: 0, o2: 0 },
    ],
  ];
  for (const [name, d, current, old, expected] of rows)
    await t.test(name, () => {
      const changed = scaleStep(d, current, old).filter((s) => s.to !== s.rs.spec?.replicas);
      assert.deepEqual(told(changed), expected);
    });
});

test("a change of spec.replicas shows in the annotations of running sets only", () => {
  assert.equal(isScaled(deployment(5, 1, 1), [rs("n9", 3, 3, 4, 3)]), true);
  assert.equal(isScaled(deployment(3, 1, 1), [rs("n9", 3, 3, 4, 3)]), false);
  assert.equal(isScaled(deployment(5, 1, 1), [rs("o1", 0, 0, 4, 3)]), false);
});
