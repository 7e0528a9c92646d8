import assert from "node:assert/strict";
import { test } from "node:test";
import { createAddressRanges } from "./address-ranges.ts";

const first = (): number => 0;

test("a second range gives addresses when the first is full, and none twice where they overlap", () => {
  const ranges = createAddressRanges("10.0.0.0/30", first);
  const any = (): string => {
    const taken = ranges.takeAny();
    return "address" in taken ? taken.address : taken.refused;
  };
  assert.deepEqual([any(), any(), any()], ["10.0.0.1", "10.0.0.2", "range is full"]);
  ranges.extend(["10.0.0.0/29", "fd00::/64", "10.9.0.0/31"]);
  assert.deepEqual(
    [any(), any(), any(), any(), any()],
    ["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "range is full"],
  );
  ranges.release("10.0.0.1");
  assert.equal(any(), "10.0.0.1");
  assert.equal(ranges.take("10.0.0.6"), "provided IP is already allocated");
});

test("a range that goes gives nothing more, what it gave stays given when it comes back", () => {
  const ranges = createAddressRanges("10.0.0.0/30", first);
  ranges.extend(["203.0.113.0/24"]);
  assert.equal(ranges.take("203.0.113.10"), undefined);
  ranges.extend([]);
  assert.match(ranges.take("203.0.113.11")!, /is not in the valid range/);
  ranges.extend(["203.0.113.0/24"]);
  assert.equal(ranges.take("203.0.113.10"), "provided IP is already allocated");
  assert.equal(ranges.take("203.0.113.11"), undefined);
});
