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
  assert.equal(ranges.take("203.0.113.11"), "the provided network does not match the current range");
  ranges.extend(["203.0.113.0/24"]);
  assert.equal(ranges.take("203.0.113.10"), "provided IP is already allocated");
  assert.equal(ranges.take("203.0.113.11"), undefined);
});

const sized: [range: string, room: number, first: string, last: string][] = [
  ["10.0.0.0/29", 6, "10.0.0.1", "10.0.0.6"],
  ["fd00::/125", 7, "fd00::1", "fd00::7"],
  ["fd00:10:96::/120", 255, "fd00:10:96::1", "fd00:10:96::ff"],
];
for (const [range, room, lowest, highest] of sized)
  test(`${range} has room for ${room}, ${lowest} to ${highest}`, () => {
    const ranges = createAddressRanges(range, Math.random);
    const given = new Set<string>();
    for (let i = 0; i < room; i++) {
      const taken = ranges.takeAny();
      if ("address" in taken) given.add(taken.address);
    }
    assert.equal(given.size, room);
    assert.ok(given.has(lowest) && given.has(highest));
    assert.deepEqual(ranges.takeAny(), { refused: "range is full" });
  });

test("a /64 is given out in all its width, by canonical names, each address once", () => {
  const ranges = createAddressRanges("fd00:10:96::/64", Math.random);
  assert.equal(ranges.take("fd00:10:96:0:ffff:ffff:ffff:ffff"), undefined);
  assert.equal(ranges.take("fd00:10:96:0:0:0:0:a"), undefined);
  assert.equal(ranges.take("fd00:10:96::a"), "provided IP is already allocated");
  assert.equal(ranges.take("fd00:10:96::"), "the provided network does not match the current range");
  assert.equal(ranges.take("10.96.0.5"), "the provided network does not match the current range");
  const taken = ranges.takeAny();
  assert.ok("address" in taken && /^fd00:10:96:0?:/.test(taken.address), JSON.stringify(taken));
  ranges.release("fd00:10:96::a");
  assert.equal(ranges.take("fd00:10:96::a"), undefined);
});
