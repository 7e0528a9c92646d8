import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { nodes } from "../../../core/api/refs.ts";
import type { Node } from "../../../core/api/types.ts";
import { startHostRoutes } from "./mod.ts";
import type { HostRoutes, NodeAnswer } from "./ports.ts";

const node = (name: string, address: string): Node => ({
  metadata: { name },
  status: {
    addresses: [{ type: "InternalIP", address }],
    conditions: [{ type: "Ready", status: "True" }],
  },
});

interface Rig {
  table: Map<string, readonly string[]>;
  living: readonly string[];
  answers: Map<string, NodeAnswer>;
  hostRoutes: HostRoutes;
}

function rig(): Rig {
  const r: Rig = {
    table: new Map([["10.96.0.0/16", ["172.30.0.2"]]]),
    living: [],
    answers: new Map(),
    hostRoutes: {
      touched: () => true,
      list: async () => [...r.table].map(([to, via]) => ({ to, via })),
      async change({ set, remove }) {
        for (const { to } of remove) r.table.delete(to);
        for (const { to, via } of set) r.table.set(to, via);
      },
      probe: async (address) => r.answers.get(address) ?? "serving",
      async keepEntries(now) {
        r.living = now;
      },
    },
  };
  return r;
}

test("a node's death moves the ranges to the other", async (t) => {
  const r = rig();
  const { hostRoutes, table } = r;
  const { cluster } = await startRig(t, [(context) => startHostRoutes({ ...context, hostRoutes })], {
    prepare(c) {
      c.put(nodes, node("n1", "172.30.0.2"));
      c.put(nodes, node("n2", "172.30.0.3"));
    },
  });
  await eventually(() => assert.deepEqual(table.get("172.30.200.0/24"), ["172.30.0.2"]));
  cluster.change(nodes, "n1", (n) => {
    n.status!.conditions![0]!.status = "Unknown";
  });
  await eventually(() => assert.deepEqual([...table.values()].flat(), ["172.30.0.3", "172.30.0.3"]));
  assert.deepEqual(r.living, ["172.30.0.3"]);
});

test("a node that does not answer is left before its status says so; its open connections only if its kernel is silent", async (t) => {
  const r = rig();
  const { hostRoutes, table, answers } = r;
  await startRig(t, [(context) => startHostRoutes({ ...context, hostRoutes })], {
    prepare(c) {
      c.put(nodes, node("n1", "172.30.0.2"));
      c.put(nodes, node("n2", "172.30.0.3"));
    },
  });
  const leads = (address: string): void => assert.deepEqual([...table.values()].flat(), [address, address]);
  await eventually(() => leads("172.30.0.2"));
  answers.set("172.30.0.2", "refused");
  await eventually(() => leads("172.30.0.3"), 10_000);
  assert.deepEqual(r.living, ["172.30.0.2", "172.30.0.3"]);
  answers.set("172.30.0.2", "silent");
  await eventually(() => assert.deepEqual(r.living, ["172.30.0.3"]), 10_000);
  answers.clear();
  await eventually(() => assert.deepEqual(r.living, ["172.30.0.2", "172.30.0.3"]), 10_000);
  // The other answers as well: a route that is good stays.
  leads("172.30.0.3");
});
