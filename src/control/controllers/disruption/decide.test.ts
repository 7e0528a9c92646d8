import assert from "node:assert/strict";
import { test } from "node:test";
import { makePod } from "../../../../test/support/pod-objects.ts";
import type { Pod, PodDisruptionBudget } from "../../../core/api/types.ts";
import { decideBudget } from "./decide.ts";

const now = Date.parse("2030-01-01T00:10:00Z");
const budget = (spec: object, disruptedPods?: Record<string, string>): PodDisruptionBudget =>
  ({ metadata: { name: "b", generation: 2 }, spec, status: disruptedPods ? { disruptedPods } : {} }) as never;
const four = ["a", "b", "c", "d"].map((name) => makePod(name));

test("how many may go", async (t) => {
  const rows: [string, PodDisruptionBudget, Pod[], number, [number, number, number]][] = [
    ["a number must stay", budget({ minAvailable: 3 }), four, 9, [1, 3, 4]],
    ["a share of what is wanted must stay", budget({ minAvailable: "50%" }), four, 5, [1, 3, 5]],
    ["a number may be missing", budget({ maxUnavailable: 1 }), four, 4, [1, 3, 4]],
    ["a share may be missing, rounded up", budget({ maxUnavailable: "30%" }), four, 4, [2, 2, 4]],
    [
      "unready ones are missing already",
      budget({ maxUnavailable: 1 }),
      [...four.slice(1), makePod("a", { ready: false })],
      4,
      [0, 3, 4],
    ],
    ["nothing is wanted", budget({ maxUnavailable: 1 }), four, 0, [0, 0, 0]],
    ["evicted a moment ago", budget({ minAvailable: 2 }, { a: "2030-01-01T00:09:00Z" }), four, 4, [1, 2, 4]],
    [
      "evicted long ago and still there",
      budget({ minAvailable: 2 }, { a: "2030-01-01T00:07:00Z" }),
      four,
      4,
      [2, 2, 4],
    ],
  ];
  for (const [name, b, pods, controllersWant, expected] of rows)
    await t.test(name, () => {
      const { status } = decideBudget(b, pods, { controllersWant, nowMs: now, time: "T" });
      assert.deepEqual([status.disruptionsAllowed, status.desiredHealthy, status.expectedPods], expected);
    });
});

test("the condition's time moves with its status only", () => {
  const options = { controllersWant: 4, nowMs: now, time: "T1" };
  const first = decideBudget(budget({ minAvailable: 3 }), four, options).status;
  assert.deepEqual(first.conditions, [
    {
      type: "DisruptionAllowed",
      status: "True",
      reason: "SufficientPods",
      message: "",
      observedGeneration: 2,
      lastTransitionTime: "T1",
    },
  ]);
  const again = decideBudget({ ...budget({ minAvailable: 2 }), status: first }, four, {
    ...options,
    time: "T2",
  }).status;
  assert.equal(again.conditions![0]!.lastTransitionTime, "T1");
});
