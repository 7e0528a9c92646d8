import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, ReplicaSet } from "../../../core/api/types.ts";
import { pauseCondition, recheckDeadlineMs, rolloutStatus } from "./status.ts";

const now = Date.parse("2030-01-01T00:10:00Z");
const time = "2030-01-01T00:10:00Z";
function deployment(status: Deployment["status"], spec: object = {}): Deployment {
  return {
    metadata: { name: "web", uid: "d", generation: 2 },
    spec: { replicas: 2, selector: {}, template: {}, progressDeadlineSeconds: 60, ...spec },
    status,
  };
}
const rs = (name: string, replicas: number, available: number, more: object = {}): ReplicaSet => ({
  metadata: { name, uid: name },
  spec: { replicas, selector: {} },
  status: { replicas, readyReplicas: available, availableReplicas: available, ...more },
});
const progressing = (status: string, reason: string, lastUpdateTime: string) => ({
  type: "Progressing",
  status,
  reason,
  message: "m",
  lastUpdateTime,
  lastTransitionTime: "2030-01-01T00:00:00Z",
});
const recent = "2030-01-01T00:09:30Z";
const longAgo = "2030-01-01T00:00:00Z";

test("Progressing tells how the rollout goes", async (t) => {
  const going = { conditions: [progressing("True", "ReplicaSetUpdated", recent)] };
  const rows: [string, Deployment, ReplicaSet, ReplicaSet[], string[] | undefined][] = [
    [
      "first pods",
      deployment({}),
      rs("n", 1, 0),
      [],
      ["True", "ReplicaSetUpdated", 'ReplicaSet "n" is progressing.', time],
    ],
    [
      "first pods of a new template, while the counts are still the old one's",
      deployment({
        conditions: [progressing("True", "NewReplicaSetCreated", recent)],
        replicas: 2,
        updatedReplicas: 2,
        readyReplicas: 2,
        availableReplicas: 2,
      }),
      rs("n", 1, 0),
      [rs("o", 2, 2)],
      ["True", "ReplicaSetUpdated", 'ReplicaSet "n" is progressing.', time],
    ],
    [
      "all there",
      deployment({ ...going, replicas: 2, updatedReplicas: 2, availableReplicas: 1 }),
      rs("n", 2, 2),
      [],
      ["True", "NewReplicaSetAvailable", 'ReplicaSet "n" has successfully progressed.', time],
    ],
    [
      "nothing moves, time is left",
      deployment({ ...going, replicas: 2, updatedReplicas: 2 }),
      rs("n", 2, 0),
      [],
      ["True", "ReplicaSetUpdated", "m", recent],
    ],
    [
      "nothing moves and time is up",
      deployment({
        conditions: [progressing("True", "ReplicaSetUpdated", longAgo)],
        replicas: 2,
        updatedReplicas: 2,
      }),
      rs("n", 2, 0),
      [],
      ["False", "ProgressDeadlineExceeded", 'ReplicaSet "n" has timed out progressing.', time],
    ],
    [
      "a settled one that loses a pod is not late",
      deployment({ conditions: [progressing("True", "NewReplicaSetAvailable", longAgo)] }),
      rs("n", 2, 1),
      [],
      ["True", "NewReplicaSetAvailable", "m", longAgo],
    ],
    [
      "no deadline, no word",
      deployment(going, { progressDeadlineSeconds: 2 ** 31 - 1 }),
      rs("n", 2, 0),
      [],
      undefined,
    ],
  ];
  for (const [name, d, current, old, expected] of rows)
    await t.test(name, () => {
      const status = rolloutStatus(d, current, { all: [current, ...old], nowMs: now, time });
      const c = status.conditions!.find((x) => x.type === "Progressing");
      assert.deepEqual(c && [c.status, c.reason, c.message, c.lastUpdateTime], expected);
    });
});

test("counts, availability and failures", () => {
  const failure = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" };
  const all = [rs("n", 1, 0, { conditions: [failure] }), rs("o", 2, 1)];
  const status = rolloutStatus(deployment({}), all[0], { all, nowMs: now, time });
  const { conditions, ...counts } = status;
  assert.deepEqual(counts, {
    observedGeneration: 2,
    replicas: 3,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
    unavailableReplicas: 2,
    terminatingReplicas: 0,
  });
  assert.deepEqual(
    conditions!.map((c) => [c.type, c.status, c.reason, c.message]),
    [
      ["Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."],
      ["Progressing", "True", "ReplicaSetUpdated", 'ReplicaSet "n" is progressing.'],
      ["ReplicaFailure", "True", "FailedCreate", "quota"],
    ],
  );
});

test("the deadline is looked at again when it is due", () => {
  const d = deployment({ conditions: [progressing("True", "ReplicaSetUpdated", recent)] });
  assert.equal(recheckDeadlineMs(d, d.status!, now), 31_000);
  const done = deployment({ conditions: [progressing("True", "NewReplicaSetAvailable", recent)] });
  assert.equal(recheckDeadlineMs(done, done.status!, now), undefined);
});

test("pausing and resuming are noted once", () => {
  const noted = { conditions: [progressing("Unknown", "DeploymentPaused", recent)] };
  assert.equal(pauseCondition(deployment({}, { paused: true }))?.reason, "DeploymentPaused");
  assert.equal(pauseCondition(deployment(noted, { paused: true })), undefined);
  assert.equal(pauseCondition(deployment(noted))?.reason, "DeploymentResumed");
  assert.equal(pauseCondition(deployment({})), undefined);
});
