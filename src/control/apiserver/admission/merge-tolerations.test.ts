import assert from "node:assert/strict";
import { test } from "node:test";
import type { Toleration } from "../../../core/api/types.ts";
import { mergeTolerations } from "./merge-tolerations.ts";

const equal = (key: string, value: string, more: Toleration = {}): Toleration => ({
  key,
  operator: "Equal",
  value,
  ...more,
});
const exists = (key?: string, more: Toleration = {}): Toleration => ({
  ...(key === undefined ? {} : { key }),
  operator: "Exists",
  ...more,
});

const cases: [name: string, first: Toleration[], second: Toleration[], merged: Toleration[]][] = [
  ["nothing", [], [], []],
  ["unlike ones", [equal("a", "1")], [equal("b", "1")], [equal("a", "1"), equal("b", "1")]],
  ["the same twice", [equal("a", "1")], [equal("a", "1")], [equal("a", "1")]],
  ["a later one that covers", [equal("a", "1")], [exists("a")], [exists("a")]],
  ["an earlier one that covers", [exists("a")], [equal("a", "1")], [exists("a")]],
  ["all keys", [equal("a", "1"), exists("b")], [exists()], [exists()]],
  [
    "an effect covers no other",
    [equal("a", "1", { effect: "NoSchedule" })],
    [exists("a", { effect: "NoExecute" })],
    [equal("a", "1", { effect: "NoSchedule" }), exists("a", { effect: "NoExecute" })],
  ],
  [
    "a shorter time covers no longer one",
    [exists("a", { effect: "NoExecute", tolerationSeconds: 300 })],
    [exists("a", { effect: "NoExecute", tolerationSeconds: 10 })],
    [exists("a", { effect: "NoExecute", tolerationSeconds: 300 })],
  ],
];
for (const [name, first, second, merged] of cases)
  test(`tolerations: ${name}`, () => assert.deepEqual(mergeTolerations(first, second), merged));
