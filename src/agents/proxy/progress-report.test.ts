import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createMemoryCluster } from "../../../test/support/memory-cluster.ts";
import { pause } from "../../control/client/mod.ts";
import { leases, nodes } from "../../core/api/refs.ts";
import { type Progress, parseProgress } from "../../core/network/mod.ts";
import { createProgressReport, type ProgressReport } from "./progress-report.ts";

const key = "kube-system/portolan-proxy-n0";
const clock = { now: () => performance.now(), wall: () => Date.now(), sleep: pause };
const log = { info() {}, warn() {} };

async function start(t: { after(f: () => Promise<void>): void }) {
  const cluster = createMemoryCluster();
  const node = cluster.put(nodes, { metadata: { name: "n0" } });
  const at: { now: Progress | undefined } = { now: undefined };
  const report: ProgressReport = createProgressReport({
    client: cluster,
    nodeName: "n0",
    clock,
    log,
    progress: () => at.now,
    node: () => node,
  });
  const stop = new AbortController();
  const running = report.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  const told = (): Progress | undefined => parseProgress(cluster.find(leases, key)?.metadata.annotations);
  return { cluster, at, report, told, node };
}

test("progress is told on a Lease that goes with the node", async (t) => {
  const { cluster, at, report, told, node } = await start(t);
  report.programmed();
  at.now = { services: 5, slices: 7 };
  report.programmed();
  await eventually(() => assert.deepEqual(told(), at.now));
  assert.equal(cluster.find(leases, key)!.metadata.ownerReferences![0]!.uid, node.metadata.uid);
  at.now = { services: 9, slices: 7 };
  report.programmed();
  await eventually(() => assert.deepEqual(told(), at.now));
  const writes = cluster.writes.length;
  report.programmed();
  await pause(120, new AbortController().signal);
  assert.equal(cluster.writes.length, writes, "what was told already is not told again");
});

test("many changes at once make few reports, and the last is told", async (t) => {
  const { cluster, at, report, told } = await start(t);
  for (let i = 1; i <= 100; i++) {
    at.now = { services: i, slices: i };
    report.programmed();
    await pause(1, new AbortController().signal);
  }
  await eventually(() => assert.deepEqual(told(), { services: 100, slices: 100 }));
  assert.ok(cluster.writes.length < 30, `${cluster.writes.length} writes`);
});

test("a write that fails is tried again", async (t) => {
  const { cluster, at, report, told } = await start(t);
  let failures = 1;
  cluster.before((verb) => {
    if (verb === "patch" && failures-- > 0) throw new Error("away");
  });
  at.now = { services: 1, slices: 1 };
  report.programmed();
  await eventually(() => assert.deepEqual(told(), at.now));
});
