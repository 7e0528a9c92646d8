import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Taint } from "../../../core/api/types.ts";
import { silentConditions, wantedTaints } from "./decide.ts";

function node(
  conditions: Record<string, string>,
  more: { taints?: Taint[]; unschedulable?: boolean } = {},
): Node {
  return {
    metadata: { name: "n1", creationTimestamp: "2030-01-01T00:00:00Z" },
    spec: {
      ...(more.taints ? { taints: more.taints } : {}),
      ...(more.unschedulable ? { unschedulable: true } : {}),
    },
    status: {
      conditions: Object.entries(conditions).map(([type, status]) => ({ type, status, reason: "R" })),
    },
  };
}
const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
const unreachable = { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" };
const mine = { key: "mine", value: "x", effect: "NoExecute" };

test("taints follow conditions and the cordon, and leave others alone", async (t) => {
  const rows: [string, Node, boolean, string[] | undefined][] = [
    ["ready and clean", node({ Ready: "True" }), true, undefined],
    ["ready again", node({ Ready: "True" }, { taints: [mine, notReady] }), true, ["mine:NoExecute"]],
    [
      "not ready",
      node({ Ready: "False" }, { taints: [mine] }),
      true,
      ["mine:NoExecute", "node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"],
    ],
    [
      "not ready, but nobody is",
      node({ Ready: "False" }),
      false,
      ["node.kubernetes.io/not-ready:NoSchedule"],
    ],
    [
      "unknown after not ready",
      node({ Ready: "Unknown" }, { taints: [notReady] }),
      true,
      ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
    ],
    [
      "all failed meanwhile: eviction is called off",
      node({ Ready: "Unknown" }, { taints: [unreachable, { ...unreachable, effect: "NoExecute" }] }),
      false,
      ["node.kubernetes.io/unreachable:NoSchedule"],
    ],
    [
      "under pressure",
      node({ Ready: "True", DiskPressure: "True", MemoryPressure: "False" }),
      true,
      ["node.kubernetes.io/disk-pressure:NoSchedule"],
    ],
    [
      "cordoned",
      node({ Ready: "True" }, { unschedulable: true }),
      true,
      ["node.kubernetes.io/unschedulable:NoSchedule"],
    ],
    ["new, has not spoken yet", node({}, { taints: [notReady] }), true, undefined],
  ];
  for (const [name, n, evict, expected] of rows)
    await t.test(name, () => {
      const taints = wantedTaints(n, { evict, time: "T" });
      assert.deepEqual(
        taints?.map((x) => `${x.key}:${x.effect}`),
        expected,
      );
    });
});

test("a silent node's conditions become unknown, once", () => {
  const first = silentConditions(node({ Ready: "True", DiskPressure: "False" }), "T")!;
  assert.deepEqual(
    first.map((c) => [c.type, c.status, c.reason, c.message]),
    [
      ["Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."],
      ["DiskPressure", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."],
      ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
    ],
  );
  assert.equal(silentConditions({ metadata: {}, status: { conditions: first } }, "T2"), undefined);
});
