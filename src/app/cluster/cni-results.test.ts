import assert from "node:assert/strict";
import { test } from "node:test";
import { cniResultsOf } from "./cni-results.ts";

const a = "a".repeat(64);
const b = "b".repeat(64);

test("a cluster's results are told from those of others, loopback's by their sandbox", () => {
  const names = [
    `portolan-one-node-1-${a}-eth0`,
    `portolan-one-node-1-node-1-${b}-eth0`,
    `portolan-two-node-1-${b}-eth0`,
    `cni-loopback-${a}-lo`,
    `cni-loopback-${b}-lo`,
    "portolan-one-node-1-short-eth0",
    "someone-elses",
  ];
  assert.deepEqual(cniResultsOf("one", names), [`portolan-one-node-1-${a}-eth0`, `cni-loopback-${a}-lo`]);
});
