import assert from "node:assert/strict";
import { test } from "node:test";
import type { Taint, Toleration } from "../../../core/api/types.ts";
import { toleratedSeconds } from "./decide.ts";

const a: Taint = { key: "a", effect: "NoExecute" };
const b: Taint = { key: "b", value: "x", effect: "NoExecute" };
const forA = (tolerationSeconds?: number): Toleration => ({
  key: "a",
  operator: "Exists",
  effect: "NoExecute",
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
});

test("how long a pod may stay", async (t) => {
  const rows: [string, Taint[], Toleration[] | undefined, number | undefined][] = [
    ["no taints", [], undefined, undefined],
    ["only NoSchedule", [{ key: "a", effect: "NoSchedule" }], undefined, undefined],
    ["not tolerated", [a], undefined, 0],
    ["tolerated for ever", [a], [forA()], undefined],
    ["tolerated for a while", [a], [forA(30)], 30],
    ["one of two not tolerated", [a, b], [forA(30)], 0],
    ["the shortest counts", [a, b], [forA(30), { key: "b", value: "x", tolerationSeconds: 10 }], 10],
    ["everything tolerated", [a, b], [{ operator: "Exists" }], undefined],
    ["a negative time is none", [a], [forA(-5)], 0],
  ];
  for (const [name, taints, tolerations, expected] of rows)
    await t.test(name, () => assert.equal(toleratedSeconds(taints, tolerations), expected));
});
