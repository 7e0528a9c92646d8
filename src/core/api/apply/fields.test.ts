import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  difference,
  type Fields,
  intersection,
  members,
  ordered,
  parseFields,
  printPath,
  union,
} from "./fields.ts";

// The dumb second implementation: a set of paths as text.
const paths = (f: Fields): Set<string> => new Set([...members(f)].map((p) => JSON.stringify(p)));

function build(list: readonly (readonly string[])[]): Fields {
  const root: Fields = {};
  for (const path of list) {
    let node = root;
    for (const [i, element] of path.entries()) {
      // A member that gets children needs its dot.
      const last = i === path.length - 1;
      if (!Object.hasOwn(node, element)) node[element] = last ? {} : { "?": {} };
      else if (last) node[element]!["."] = {};
      else if (Object.keys(node[element]!).length === 0) node[element]!["."] = {};
      node = node[element]!;
    }
  }
  const clean = (f: Fields): Fields =>
    Object.fromEntries(
      Object.entries(f)
        .filter(([k]) => k !== "?")
        .map(([k, v]) => [k, clean(v)]),
    );
  return clean(root);
}

const sets = fc
  .array(fc.array(fc.constantFrom("f:a", "f:b", "k:1", "v:2"), { minLength: 1, maxLength: 4 }), {
    maxLength: 8,
  })
  .map(build);

test("property: a set in order is the same set, its text that of sorted keys", () => {
  const sorted = (f: Fields): string =>
    `{${Object.keys(f)
      .sort()
      .map((k) => `${JSON.stringify(k)}:${sorted(f[k]!)}`)
      .join(",")}}`;
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const both = union(b, a);
      assert.equal(JSON.stringify(ordered(both)), sorted(both));
      const once = ordered(both);
      assert.equal(ordered(once), once);
    }),
  );
});

test("property: set arithmetic on FieldsV1 is set arithmetic on paths", () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const [x, y] = [paths(a), paths(b)];
      const check = (result: Fields, wanted: string[], word: string): void =>
        assert.deepEqual([...paths(result)].sort(), wanted.sort(), word);
      check(union(a, b), [...new Set([...x, ...y])], "union");
      check(
        intersection(a, b),
        [...x].filter((p) => y.has(p)),
        "intersection",
      );
      check(
        difference(a, b),
        [...x].filter((p) => !y.has(p)),
        "difference",
      );
    }),
  );
});

test("paths are printed as conflicts show them", () => {
  assert.equal(
    printPath(["f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', 'v:"x"', "i:3", "f:a.b/c"]),
    '.spec[containerPort=80,protocol="TCP"][="x"][3].a.b/c',
  );
});

test("only sets of fields are read as such", () => {
  assert.deepEqual(parseFields({ "f:a": { ".": {} }, 'k:{"x":1}': {} }), {
    "f:a": { ".": {} },
    'k:{"x":1}': {},
  });
  for (const bad of [1, [], { a: {} }, { "f:a": 1 }, { "k:{": {} }, { __proto__x: {} }, null])
    assert.equal(parseFields(bad), undefined);
});
