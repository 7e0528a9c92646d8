import assert from "node:assert/strict";
import { test } from "node:test";
import { createChangeRecord } from "./change-record.ts";

type Data = string | undefined;
const rows: [name: string, data: [Data, Data][], deletes: Data, adds: Data][] = [
  ["added", [[undefined, "a"]], undefined, "a"],
  ["deleted", [["a", undefined]], "a", undefined],
  ["changed", [["a", "b"]], "a", "b"],
  [
    "changed twice",
    [
      ["a", "b"],
      ["b", "c"],
    ],
    "a",
    "c",
  ],
  [
    "added and changed",
    [
      [undefined, "a"],
      ["a", "b"],
    ],
    undefined,
    "b",
  ],
  [
    "added and deleted",
    [
      [undefined, "a"],
      ["a", undefined],
    ],
    undefined,
    undefined,
  ],
  [
    "deleted and added",
    [
      ["a", undefined],
      [undefined, "a"],
    ],
    undefined,
    undefined,
  ],
  [
    "deleted and added with other data",
    [
      ["a", undefined],
      [undefined, "b"],
    ],
    "a",
    "b",
  ],
  [
    "changed and back",
    [
      ["a", "b"],
      ["b", "a"],
    ],
    undefined,
    undefined,
  ],
  [
    "changed and deleted",
    [
      ["a", "b"],
      ["b", undefined],
    ],
    "a",
    undefined,
  ],
  [
    "changed, deleted, and back",
    [
      ["a", "b"],
      ["b", undefined],
      [undefined, "a"],
    ],
    undefined,
    undefined,
  ],
];
for (const [name, steps, deletes, adds] of rows)
  test(`what is left of an element that was ${name}`, () => {
    const changes = createChangeRecord();
    for (const [before, after] of steps) changes.record("s", "k", before, after);
    assert.equal(changes.added, adds === undefined ? 0 : 1);
    const of = (data: Data) => new Map(data === undefined ? [] : [["s", new Map([["k", data]])]]);
    assert.deepEqual(changes.take(), { deletes: of(deletes), adds: of(adds) });
    assert.deepEqual(changes.take(), { deletes: of(undefined), adds: of(undefined) });
  });
