import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  printQuantity,
  quantityError,
  quantityMilliValue,
  quantityValue,
} from "./mod.ts";

const canonical: [text: string, again: string][] = [
  ["0", "0"],
  ["0m", "0"],
  ["0.0Ki", "0"],
  ["100m", "100m"],
  ["1000m", "1"],
  ["1500m", "1500m"],
  ["0.5", "500m"],
  ["1.50", "1500m"],
  ["1024", "1024"],
  ["1000", "1k"],
  ["1024Ki", "1Mi"],
  ["0.5Gi", "512Mi"],
  ["1.5Gi", "1536Mi"],
  ["100Ki", "100Ki"],
  ["0.5Ki", "512"],
  ["1Ki", "1Ki"],
  ["1k", "1k"],
  ["1e3", "1e3"],
  ["1E3", "1E3"],
  ["12e4", "120e3"],
  ["1E", "1E"],
  ["1000E", "1000E"],
  ["-5", "-5"],
  ["1.125M", "1.125M"],
  ["1.12M", "1120k"],
  ["-0.5Gi", "-512Mi"],
  ["+3M", "+3M"],
  [".5", "500m"],
  ["5.", "5."],
  ["0.1n", "1n"],
  ["1.1n", "2n"],
  ["0.00000000001Ki", "11n"],
  ["100Ei", "9223372036854775807"],
  ["007", "007"],
  ["1000000Ki", "1000000Ki"],
];
for (const [text, again] of canonical)
  test(`a quantity is read and printed: ${text}`, () => assert.equal(canonicalQuantity(text), again));

const expression =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const refused: [text: string, message: string][] = [
  ["", expression],
  ["1.2.3", expression],
  ["0x10", expression],
  ["abc", expression],
  ["1 Gi", expression],
  ["1Zi", expression],
  ["1KiMi", "unable to parse quantity's suffix"],
  ["1ki", "unable to parse quantity's suffix"],
  ["1K", "unable to parse quantity's suffix"],
  ["1e", "unable to parse quantity's suffix"],
  ["1e99999999", "unable to parse quantity's suffix"],
  [".", "unable to parse numeric part of quantity"],
  ["Gi", "unable to parse numeric part of quantity"],
];
for (const [text, message] of refused)
  test(`a quantity is refused: "${text}"`, () => assert.equal(quantityError(text), message));

test("values are rounded up", () => {
  assert.equal(quantityValue("1500m"), 2);
  assert.equal(quantityValue("-1500m"), -2);
  assert.equal(quantityValue("1Gi"), 2 ** 30);
  assert.equal(quantityMilliValue("0.1"), 100);
  assert.equal(quantityMilliValue("1u"), 1);
  assert.equal(quantityMilliValue("2"), 2000);
});

test("sums are exact and keep the first one's format", () => {
  const sum = (a: string, b: string): string =>
    printQuantity(addQuantities(parseQuantity(a), parseQuantity(b)));
  assert.equal(sum("100m", "0.9"), "1");
  assert.equal(sum("1Gi", "1Gi"), "2Gi");
  assert.equal(sum("0", "1Gi"), "1Gi");
});

test("property: what is printed is read back as the same amount, in the same words", () => {
  const amounts = fc.record({
    unscaled: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
    scale: fc.integer({ min: -9, max: 0 }),
    format: fc.constantFrom("DecimalSI" as const, "BinarySI" as const, "DecimalExponent" as const),
  });
  fc.assert(
    fc.property(amounts, ({ unscaled, scale, format }) => {
      const q = { unscaled, scale, format };
      const text = printQuantity(q);
      assert.equal(compareQuantities(parseQuantity(text), q), 0);
      assert.equal(canonicalQuantity(text), text);
    }),
  );
});
