import assert from "node:assert/strict";
import { test } from "node:test";
import { createAddressPool } from "./address-pool.ts";

test("the lowest free address goes first, one an owner, and comes back", () => {
  const pool = createAddressPool("172.30.200.0/29");
  assert.deepEqual(pool.take("a"), { address: "172.30.200.1" });
  assert.deepEqual(pool.take("a"), { address: "172.30.200.1" });
  assert.deepEqual(pool.take("b"), { address: "172.30.200.2" });
  assert.equal(pool.release("a"), true);
  assert.equal(pool.release("a"), false);
  assert.deepEqual(pool.take("c"), { address: "172.30.200.1" });
});

test("a wanted address: free, somebody's, outside", () => {
  const pool = createAddressPool("172.30.200.0/29");
  assert.equal(pool.hold("a", "172.30.200.3"), true);
  assert.equal(pool.hold("b", "172.30.200.3"), false);
  assert.equal(pool.hold("b", "10.0.0.1"), false);
  assert.deepEqual(pool.take("b", "172.30.200.4"), { address: "172.30.200.4" });
  const refused = [
    ["172.30.200.3", "the load balancer IP 172.30.200.3 is in use by another Service"],
    ["10.0.0.1", "the load balancer IP 10.0.0.1 is not in the cluster's load balancer range 172.30.200.0/29"],
    [
      "172.30.200.0",
      "the load balancer IP 172.30.200.0 is not in the cluster's load balancer range 172.30.200.0/29",
    ],
  ];
  for (const [wanted, text] of refused) assert.deepEqual(pool.take("c", wanted), { refused: text });
  assert.deepEqual(pool.take("b", "172.30.200.5"), { address: "172.30.200.5" });
  pool.release("b", ["172.30.200.5"]);
  assert.deepEqual(pool.take("c", "172.30.200.4"), { address: "172.30.200.4" });
});

const small: [string, number][] = [
  ["172.30.200.0/32", 1],
  ["172.30.200.0/31", 2],
  ["172.30.200.0/30", 2],
  ["172.30.200.0/24", 254],
  ["", 0],
];
for (const [range, room] of small)
  test(`${range || "no range"} has room for ${room}`, () => {
    const pool = createAddressPool(range);
    const given = new Set<string>();
    for (let i = 0; i < room; i++) {
      const taken = pool.take(String(i));
      if ("address" in taken) given.add(taken.address);
    }
    assert.equal(given.size, room);
    assert.deepEqual(pool.take("more"), {
      refused: `no free address is left in the load balancer range ${range || "(none)"}`,
    });
  });
