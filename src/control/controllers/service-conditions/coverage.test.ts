import assert from "node:assert/strict";
import { test } from "node:test";
import { createCoverage } from "./coverage.ts";

const at = { ms: 0 };
function start(...nodes: string[]) {
  at.ms = 0;
  const coverage = createCoverage({ now: () => at.ms, stuckMs: 1000 });
  coverage.setNodes(nodes);
  return coverage;
}

test("a Service is covered when every node has its revision and its slices'", () => {
  const c = start("a", "b");
  c.changed("d/s", "services", 10);
  c.changed("d/s", "slices", 12);
  c.progress("a", { services: 10, slices: 12 });
  assert.deepEqual(c.takeCovered(), []);
  c.progress("b", { services: 99, slices: 11 });
  assert.deepEqual([c.takeCovered(), c.isCovered("d/s")], [[], false]);
  c.progress("b", { services: 99, slices: 12 });
  assert.deepEqual([c.takeCovered(), c.isCovered("d/s"), c.waiting], [["d/s"], true, 0]);
});

test("a node that is not ready does not block; without any nothing is covered", () => {
  const c = start("a", "b");
  c.progress("a", { services: 10, slices: 10 });
  c.changed("d/s", "services", 10);
  assert.deepEqual(c.takeCovered(), []);
  c.setNodes(["a"]);
  assert.deepEqual([c.takeCovered(), c.isCovered("d/s")], [["d/s"], true]);
  c.setNodes([]);
  assert.equal(c.isCovered("d/s"), false);
});

test("a node is stuck when it does not move while something waits for it", () => {
  const c = start("a", "b");
  for (const n of ["a", "b"]) c.progress(n, { services: 1, slices: 1 });
  c.changed("d/s", "services", 5);
  at.ms = 900;
  c.progress("a", { services: 5, slices: 1 });
  assert.deepEqual([c.stuckNodes("d/s"), c.overdue()], [[], []]);
  at.ms = 1000;
  assert.deepEqual([c.stuckNodes("d/s"), c.overdue()], [["b"], ["d/s"]]);
  c.progress("b", { services: 4, slices: 1 });
  assert.deepEqual(c.stuckNodes("d/s"), [], "it moves");
  at.ms = 2000;
  assert.deepEqual(c.stuckNodes("d/s"), ["b"]);
  c.progress("b", { services: 5, slices: 1 });
  assert.deepEqual([c.takeCovered(), c.stuckNodes("d/s")], [["d/s"], []]);
});

test("constant change of one Service with nodes that follow is no standstill", () => {
  const c = start("a");
  for (let revision = 1; revision <= 50; revision++) {
    at.ms += 100;
    c.changed("d/s", "slices", revision);
    c.progress("a", { services: 0, slices: revision - 1 });
    assert.deepEqual([c.takeCovered(), c.overdue()], [[], []]);
  }
});

test("a report that was heard before the change covers it", () => {
  const c = start("a");
  c.progress("a", { services: 5, slices: 7 });
  c.changed("d/s", "slices", 7);
  assert.equal(c.isCovered("d/s"), true);
  c.changed("d/s", "slices", 8);
  assert.equal(c.isCovered("d/s"), false);
});
