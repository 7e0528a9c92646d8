import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SortedMap } from "./sorted-map.ts";

const key = fc.stringMatching(/^\/[ab]\/[a-c]{0,3}$/);

test("it answers as a plain map that is sorted anew each time", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), key), { maxLength: 200 }),
      fc.constantFrom("/a/", "/b/", "/", "/a/a", "/c/"),
      fc.option(key, { nil: undefined }),
      (steps, prefix, after) => {
        const map = new SortedMap<number>();
        const plain = new Map<string, number>();
        steps.forEach(([add, k], i) => {
          if (add) {
            map.set(k, i);
            plain.set(k, i);
          } else assert.equal(map.delete(k), plain.delete(k));
        });
        const under = [...plain].filter(([k]) => k.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
        assert.equal(map.size, plain.size);
        assert.equal(map.count(prefix), under.length);
        const wanted = under.filter(([k]) => after === undefined || k > after).map(([, v]) => v);
        assert.deepEqual(map.range(prefix, after), wanted);
        assert.deepEqual(map.range(prefix, after, 3), wanted.slice(0, 3));
      },
    ),
  );
});

test("chunks that split and empty keep their order", () => {
  const map = new SortedMap<number>();
  const n = 5000;
  for (let i = 0; i < n; i++) map.set(`/${String((i * 7919) % n).padStart(6, "0")}`, (i * 7919) % n);
  assert.deepEqual(
    map.range("/"),
    Array.from({ length: n }, (_, i) => i),
  );
  for (let i = 0; i < n; i += 2) map.delete(`/${String(i).padStart(6, "0")}`);
  assert.deepEqual(
    map.range("/"),
    Array.from({ length: n / 2 }, (_, i) => 2 * i + 1),
  );
});
