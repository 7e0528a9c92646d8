// The host's way of spreading connections over several routes is changed for clusters of several nodes, and put back with the
// last of them.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const dir = mkdtempSync(join(tmpdir(), "portolan-hash-"));
// The paths are read when the module is loaded.
process.env.PORTOLAN_STATE_DIR = join(dir, "state");
process.env.PORTOLAN_RUN_DIR = join(dir, "run");
const { endSpreadByPort, spreadByPort } = await import("../../src/app/cluster/multipath-hash.ts");
const { clusterPaths } = await import("../../src/app/cluster/paths.ts");
after(() => rmSync(dir, { recursive: true, force: true }));

const file = (family: 4 | 6): string => `/proc/sys/net/ipv${family}/fib_multipath_hash_policy`;
const policies = (): string[] => ([4, 6] as const).map((f) => readFileSync(file(f), "utf8").trim());
const set = (four: string, six: string): void => {
  writeFileSync(file(4), four);
  writeFileSync(file(6), six);
};

function make(name: string, netns = readlinkSync("/proc/self/ns/net")): void {
  const paths = clusterPaths(name);
  for (const d of [paths.dir, paths.run]) mkdirSync(d, { recursive: true });
  writeFileSync(paths.plan, JSON.stringify({ netns }));
}
function remove(name: string): void {
  endSpreadByPort(name);
  for (const d of [clusterPaths(name).dir, clusterPaths(name).run]) rmSync(d, { recursive: true });
}

test("one cluster: changed, and put back, also when it was started twice", () => {
  set("0", "0");
  make("one");
  spreadByPort("one", [4]);
  assert.deepEqual(policies(), ["1", "0"]);
  spreadByPort("one", [4]);
  remove("one");
  assert.deepEqual(policies(), ["0", "0"]);
});

test("what somebody has chosen stays", () => {
  set("2", "1");
  make("one");
  spreadByPort("one", [4, 6]);
  assert.deepEqual(policies(), ["2", "1"]);
  remove("one");
  assert.deepEqual(policies(), ["2", "1"]);
});

test("two clusters: put back with the last, whichever that is; one of another network namespace does not count", () => {
  set("0", "0");
  make("far", "net:[1]");
  for (const [first, second] of [
    ["a", "b"],
    ["b", "a"],
  ] as const) {
    make("a");
    make("b");
    spreadByPort("a", [4]);
    spreadByPort("b", [4, 6]);
    assert.deepEqual(policies(), ["1", "1"]);
    remove(first);
    assert.deepEqual(policies(), ["1", "1"]);
    remove(second);
    assert.deepEqual(policies(), ["0", "0"]);
  }
  remove("far");
});
