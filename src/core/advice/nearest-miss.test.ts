import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance } from "./edit-distance.ts";
import { type Candidate, isAlike, type Labels, nearestMiss } from "./nearest-miss.ts";

const pod = (labels: Labels): Candidate => ({ kind: "pod", labels, spec: undefined });
const template = (labels: Labels): Candidate => ({ kind: "template", labels, spec: undefined });

const rows: [name: string, Labels, Candidate[], string | undefined][] = [
  ["nothing there", { app: "web" }, [], undefined],
  ["others only", { app: "frontend" }, [pod({ app: "backend" })], undefined],
  ["a longer value", { app: "nginx" }, [pod({ app: "nginx-svc" })], "1 app=nginx-svc"],
  ["a slip of the pen", { app: "ngnix" }, [pod({ app: "nginx" }), pod({ app: "nginx" })], "2 app=nginx"],
  ["another case", { app: "Web" }, [pod({ app: "web" })], "1 app=web"],
  ["the value under another key", { run: "nginx" }, [pod({ app: "nginx" })], "1 app=nginx"],
  ["a template only", { app: "fronted" }, [template({ app: "frontend" })], "0 app=frontend"],
  ["one of two labels", { app: "web", tier: "front" }, [pod({ app: "web" })], "1 app=web,no tier"],
  [
    "the one with more labels right",
    { app: "web", tier: "front" },
    [pod({ app: "web", tier: "back" }), pod({ app: "wep", tier: "front" })],
    "1 app=wep,tier=front",
  ],
  ["short values are not alike", { app: "a" }, [pod({ app: "ab" })], undefined],
  ["labels of objects' own names", { constructor: "web" }, [pod({ app: "x" })], undefined],
];
for (const [name, selector, candidates, wanted] of rows)
  test(`nearest miss: ${name}`, () => {
    const miss = nearestMiss(selector, candidates);
    assert.equal(miss && `${miss.pods} ${miss.labels}`, wanted);
  });

test("edit distance with swaps", () => {
  const cases: [string, string, number][] = [
    ["abc", "abc", 0],
    ["ngnix", "nginx", 1],
    ["abc", "abcd", 1],
    ["abc", "axc", 1],
    ["abcd", "badc", 2],
    ["abc", "xyz", 3],
  ];
  for (const [a, b, d] of cases) assert.equal(editDistance(a, b, 2), d, `${a} ${b}`);
});

test("alike", () => {
  for (const [a, b] of [
    ["frontend", "fronted"],
    ["frontend", "frnotedn"],
    ["web", "webapp"],
  ] as const)
    assert.ok(isAlike(a, b), `${a} ${b}`);
  for (const [a, b] of [
    ["web", "db"],
    ["redis", "nginx"],
    ["cart", "card-service-x"],
  ] as const)
    assert.ok(!isAlike(a, b), `${a} ${b}`);
});
