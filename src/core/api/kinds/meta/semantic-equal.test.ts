import assert from "node:assert/strict";
import { test } from "node:test";
import { semanticEqual } from "./mod.ts";

const rows: [name: string, a: unknown, b: unknown, equal: boolean][] = [
  ["absent and null", undefined, null, true],
  ["absent and an empty list", { a: [] }, {}, true],
  ["absent and an object of nothing", { a: { b: "" } }, {}, true],
  ["order of keys", { a: 1, b: 2 }, { b: 2, a: 1 }, true],
  ["order of items", [1, 2], [2, 1], false],
  ["another item", [1], [1, 1], false],
  ["a list and an object", [], { a: 1 }, false],
  ["absent and false of a plain field", { hostNetwork: false }, {}, true],
  ["absent and 0 of a plain field", {}, { minReadySeconds: 0 }, true],
  ["absent and false of a pointer", { runAsNonRoot: false }, {}, false],
  ["absent and 0 of a pointer", { runAsUser: 0 }, {}, false],
  ["true and false of a plain field", { tty: true }, { tty: false }, false],
  ["text and number", "1", 1, false],
  ["an inherited name", { constructor: "a" }, {}, false],
];
for (const [name, a, b, equal] of rows)
  test(`semanticEqual: ${name}`, () => {
    assert.equal(semanticEqual(a, b), equal);
    assert.equal(semanticEqual(b, a), equal);
  });
