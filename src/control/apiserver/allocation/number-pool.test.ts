import assert from "node:assert/strict";
import { test } from "node:test";
import { createNumberPool, staticBand } from "./number-pool.ts";

const bands: [name: string, size: number, o: { min: number; max: number; step: number }, band: number][] = [
  ["a /16 of addresses", 65536, { min: 16, max: 256, step: 16 }, 256],
  ["a /24 of addresses", 256, { min: 16, max: 256, step: 16 }, 16],
  ["a /28 of addresses", 16, { min: 16, max: 256, step: 16 }, 0],
  ["the node ports", 2768, { min: 16, max: 128, step: 32 }, 86],
];
for (const [name, size, o, band] of bands)
  test(`static band: ${name}`, () => assert.equal(staticBand(size, o), band));

test("every number is given out once, the low band last", () => {
  const pool = createNumberPool(100, 16);
  const given = Array.from({ length: 100 }, () => pool.takeAny(Math.random)!);
  assert.equal(new Set(given).size, 100);
  assert.ok(given.slice(0, 84).every((n) => n >= 16));
  assert.equal(pool.takeAny(Math.random), undefined);
  pool.release(7);
  assert.equal(pool.take(7), true);
  assert.equal(pool.take(7), false);
});
