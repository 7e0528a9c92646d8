import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceRanges } from "./service-ranges.ts";

const own = "10.96.0.0/16";
const rows: [string, string[], string[]][] = [
  ["its own alone", [], [own]],
  ["its own again", [own], [own]],
  ["a second", ["203.0.113.0/24"], [own, "203.0.113.0/24"]],
  ["inside and around", ["10.96.4.0/24", "10.96.0.0/12"], ["10.96.0.0/12"]],
  ["the other family", ["fd00::/112"], [own]],
  ["the pods' range", ["10.244.3.0/24", "10.0.0.0/8"], [own]],
  ["everything", ["0.0.0.0/0"], [own]],
  ["a single address", ["192.0.2.1/32"], [own]],
];
for (const [name, cidrs, wanted] of rows)
  test(name, () => {
    const objects = cidrs.map((c) => ({ metadata: { name: "x" }, spec: { cidrs: [c] } }));
    assert.deepEqual(serviceRanges({ own, objects, others: ["10.244.0.0/16", "172.30.0.0/24"] }), wanted);
  });
