import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { nodes } from "../../../core/api/refs.ts";
import type { Node } from "../../../core/api/types.ts";
import { startHostRoutes } from "./mod.ts";
import type { HostRoutes } from "./ports.ts";

const node = (name: string, address: string): Node => ({
  metadata: { name },
  status: {
    addresses: [{ type: "InternalIP", address }],
    conditions: [{ type: "Ready", status: "True" }],
  },
});

test("a node's death moves the ranges to the other", async (t) => {
  const table = new Map([["10.96.0.0/16", "172.30.0.2"]]);
  let living: readonly string[] = [];
  const hostRoutes: HostRoutes = {
    list: async () => [...table].map(([to, via]) => ({ to, via })),
    async change({ set, remove }) {
      for (const r of remove) table.delete(r.to);
      for (const r of set) table.set(r.to, r.via);
    },
    async keepEntries(now) {
      living = now;
    },
  };
  const { cluster } = await startRig(t, [(context) => startHostRoutes({ ...context, hostRoutes })], {
    prepare(c) {
      c.put(nodes, node("n1", "172.30.0.2"));
      c.put(nodes, node("n2", "172.30.0.3"));
    },
  });
  await eventually(() => assert.equal(table.get("172.30.200.0/24"), "172.30.0.2"));
  cluster.change(nodes, "n1", (n) => {
    n.status!.conditions![0]!.status = "Unknown";
  });
  await eventually(() => assert.deepEqual([...table.values()], ["172.30.0.3", "172.30.0.3"]));
  assert.deepEqual(living, ["172.30.0.3"]);
});
