import assert from "node:assert/strict";
import { test } from "node:test";
import { age, formatLabelSelector, humanDuration } from "./mod.ts";

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;
const rows: [ms: number, text: string][] = [
  [-3 * s, "<invalid>"],
  [-1.5 * s, "0s"],
  [0, "0s"],
  [119 * s, "119s"],
  [2 * m, "2m"],
  [3 * m + 20 * s, "3m20s"],
  [10 * m, "10m"],
  [179 * m, "179m"],
  [3 * h, "3h"],
  [7 * h + 59 * m, "7h59m"],
  [8 * h, "8h"],
  [47 * h, "47h"],
  [48 * h, "2d"],
  [49 * h, "2d1h"],
  [8 * d, "8d"],
  [729 * d, "729d"],
  [730 * d, "2y"],
  [731 * d, "2y1d"],
  [8 * 365 * d, "8y"],
];
for (const [ms, text] of rows) test(`humanDuration ${text}`, () => assert.equal(humanDuration(ms), text));

test("no timestamp, no age", () => assert.equal(age(undefined, 0), "<unknown>"));

test("label selectors are printed in order of their keys", () =>
  assert.equal(
    formatLabelSelector({
      matchLabels: { app: "web" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["b", "a"] },
        { key: "old", operator: "DoesNotExist" },
      ],
    }),
    "app=web,!old,tier in (a,b)",
  ));
