import assert from "node:assert/strict";
import { test } from "node:test";
import { makePod, type PodTraits } from "../../../../test/support/pod-objects.ts";
import type { Pod, StatefulSet } from "../../../core/api/types.ts";
import { decideStateful } from "./decide.ts";

const revision = (value: string) => ({ labels: { "controller-revision-hash": value } });
const pod = (ordinal: number, more: PodTraits & { is?: string } = {}): Pod =>
  makePod(`db-${ordinal}`, { ...revision(more.is ?? "new"), ...more });
function set(replicas: number, spec: object = {}, status: object = {}): StatefulSet {
  return {
    metadata: { name: "db", uid: "s", generation: 3 },
    spec: { replicas, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } }, ...spec },
    status: { replicas: 0, ...status },
  } as never;
}
function decide(s: StatefulSet, pods: Pod[], current = "new") {
  const step = decideStateful({
    set: s,
    pods,
    current,
    update: "new",
    nowMs: Date.now(),
    leaving: () => false,
  });
  return {
    made: step.create.map((c) => `${c.ordinal} ${c.revision}`),
    gone: step.remove.map((p) => p.metadata.name),
    status: step.status,
  };
}
const parallel = { podManagementPolicy: "Parallel" };
const partition = (n: number) => ({
  updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: n } },
});

test("the next step", async (t) => {
  const rows: [string, StatefulSet, Pod[], string[], string[]][] = [
    ["the first alone", set(3), [], ["0 new"], []],
    ["all at once", set(3, parallel), [], ["0 new", "1 new", "2 new"], []],
    ["waits until the one before is ready", set(3), [pod(0, { ready: false })], [], []],
    ["then the next", set(3), [pod(0)], ["1 new"], []],
    ["a gap is filled first", set(3), [pod(0), pod(2)], ["1 new"], []],
    ["other ordinals", set(2, { ordinals: { start: 5 } }), [pod(5)], ["6 new"], []],
    ["an ended pod is replaced", set(1), [pod(0, { phase: "Failed" })], [], ["db-0"]],
    ["a terminating one is awaited", set(1), [pod(0, { dying: true })], [], []],
    ["shrinks from the top, one at a time", set(1), [pod(0), pod(1), pod(2)], [], ["db-2"]],
    ["shrinks at once", set(1, parallel), [pod(0), pod(1), pod(2)], [], ["db-2", "db-1"]],
    ["does not shrink while one below is not ready", set(1), [pod(0, { ready: false }), pod(1)], [], []],
    [
      "does not shrink while the one at the top and one below it are not ready",
      set(0),
      [pod(0, { ready: false }), pod(1), pod(2, { ready: false })],
      [],
      [],
    ],
    [
      "shrinks when only the one at the top is not ready",
      set(0),
      [pod(0), pod(1, { ready: false })],
      [],
      ["db-1"],
    ],
    ["shrinks by a ready one at the top", set(0), [pod(0, { ready: false }), pod(1)], [], ["db-1"]],
    ["updates from the top", set(2), [pod(0, { is: "old" }), pod(1, { is: "old" })], [], ["db-1"]],
    ["waits for the updated one", set(2), [pod(0, { is: "old" }), pod(1, { ready: false })], [], []],
    ["goes on below it", set(2), [pod(0, { is: "old" }), pod(1)], [], ["db-0"]],
    ["stops at the partition", set(2, partition(1)), [pod(0, { is: "old" }), pod(1)], [], []],
    ["makes pods below the partition as they were", set(2, partition(1)), [], ["0 old"], []],
    [
      "leaves updates to its user",
      set(2, { updateStrategy: { type: "OnDelete" } }),
      [pod(0, { is: "old" }), pod(1)],
      [],
      [],
    ],
  ];
  for (const [name, s, pods, made, gone] of rows)
    await t.test(name, () => {
      const step = decide(s, pods, "old");
      assert.deepEqual([step.made, step.gone], [made, gone]);
    });
});

test("a pod that is ready for too short a time counts as ready, not as available", () => {
  const fresh = pod(0);
  fresh.status!.conditions![0]!.lastTransitionTime = new Date().toISOString() as never;
  const step = decideStateful({
    set: set(2, { minReadySeconds: 60 }),
    pods: [fresh],
    current: "new",
    update: "new",
    nowMs: Date.now(),
    leaving: () => false,
  });
  assert.deepEqual([step.create, step.status.readyReplicas, step.status.availableReplicas], [[], 1, 0]);
  assert.ok(step.recheckMs! > 50_000);
});

test("the current revision follows when all pods are updated and ready", () => {
  const half = decide(set(2), [pod(0, { is: "old" }), pod(1)], "old").status;
  assert.deepEqual([half.currentRevision, half.currentReplicas, half.updatedReplicas], ["old", 1, 1]);
  const all = decide(set(2), [pod(0), pod(1)], "old").status;
  assert.deepEqual([all.currentRevision, all.currentReplicas, all.updatedReplicas], ["new", 2, 2]);
});
