import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryCluster } from "../../../../test/support/memory-cluster.ts";
import { nodes } from "../../../core/api/refs.ts";
import { runNode } from "./node-loop.ts";

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("a node that was declared unknown, or deleted, says again that it is there", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const cluster = createMemoryCluster();
  const stop = new AbortController();
  const loop = runNode(
    {
      client: cluster,
      runtime: {
        version: async () => ({ version: "1" }),
        conditions: async () => [],
        images: async () => [],
      },
      events: { record() {}, flush: async () => {} },
      now: Date.now,
      log() {},
      room: () => ({
        availableMemoryBytes: 2 ** 30,
        availableStorageBytes: 2 ** 40,
        availableInodes: 1e6,
        availablePids: 1e4,
      }),
      input: {
        name: "n1",
        addresses: ["10.0.0.1", "fd00::1"],
        labels: {},
        podCIDRs: ["10.244.0.0/24"],
        kubeletPort: 10250,
        machine: { architecture: "amd64", cpus: 2, memoryBytes: 2 ** 30, storageBytes: 2 ** 30 },
      },
    } as never,
    stop.signal,
  );
  await loop.registered;
  const ready = () => cluster.find(nodes, "n1")?.status?.conditions?.find((c) => c.type === "Ready")?.status;
  const tenSeconds = async (): Promise<void> => {
    t.mock.timers.tick(10_000);
    await turns();
  };
  assert.equal(ready(), "True");
  const writes = cluster.writes.length;
  await tenSeconds();
  assert.equal(
    cluster.writes.slice(writes).filter((w) => w.resource === "nodes").length,
    0,
    "no news, no write",
  );
  cluster.change(nodes, "n1", (n) => {
    for (const c of n.status!.conditions!) c.status = "Unknown";
  });
  await tenSeconds();
  assert.equal(ready(), "True");
  assert.deepEqual(
    cluster.find(nodes, "n1")!.status!.addresses!.map((a) => `${a.type} ${a.address}`),
    ["InternalIP 10.0.0.1", "InternalIP fd00::1", "Hostname n1"],
  );
  cluster.remove(nodes, "n1");
  await tenSeconds();
  assert.equal(ready(), "True");
  stop.abort();
  t.mock.timers.tick(10_000);
  await loop.done;
});
