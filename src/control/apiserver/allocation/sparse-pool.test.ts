import assert from "node:assert/strict";
import { test } from "node:test";
import { createSparsePool } from "./sparse-pool.ts";

test("every number is given out once, the low band last", () => {
  const pool = createSparsePool(100n, 16n);
  const given = Array.from({ length: 100 }, () => pool.takeAny(Math.random)!);
  assert.equal(new Set(given).size, 100);
  assert.ok(given.slice(0, 84).every((n) => n >= 16n));
  assert.equal(pool.takeAny(Math.random), undefined);
  pool.release(7n);
  assert.equal(pool.take(7n), true);
  assert.equal(pool.take(7n), false);
});

test("of 2^64 numbers any can be had, the low half as well as the high one", () => {
  const pool = createSparsePool(1n << 64n, 256n);
  const given = Array.from({ length: 200 }, () => pool.takeAny(Math.random)!);
  assert.equal(new Set(given).size, 200);
  assert.ok(given.every((n) => n >= 256n && n < 1n << 64n));
  assert.ok(given.some((n) => n < 1n << 63n) && given.some((n) => n >= 1n << 63n));
});
