import assert from "node:assert/strict";
import { test } from "node:test";
import { makePod, type PodTraits } from "../../../../test/support/pod-objects.ts";
import type { DaemonSet, Node, Pod } from "../../../core/api/types.ts";
import { decideDaemons, targetNode, withNodeAffinity } from "./decide.ts";

const pod = (name: string, node: string, more: PodTraits & { is?: string } = {}): Pod =>
  makePod(name, { node, labels: { "controller-revision-hash": more.is ?? "new" }, ...more });
const node = (name: string, spec: object = {}, labels: Record<string, string> = {}): Node =>
  ({ metadata: { name, labels }, spec }) as Node;
function daemon(spec: object = {}, template: object = {}): DaemonSet {
  return { metadata: { name: "agent", uid: "d" }, spec: { template: { spec: template }, ...spec } } as never;
}
function decide(ds: DaemonSet, nodes: Node[], pods: Pod[]) {
  const step = decideDaemons({ ds, nodes, pods, hash: "new", nowMs: Date.now(), leaving: () => false });
  return {
    made: step.create,
    gone: [...step.remove, ...step.ended].map((p) => p.metadata.name),
    status: step.status,
  };
}
const rolling = (more: object) => ({ updateStrategy: { type: "RollingUpdate", rollingUpdate: more } });
const three = [node("n1"), node("n2"), node("n3")];
const old = three.map((n) => pod(`old-${n.metadata.name}`, n.metadata.name!, { is: "old" }));
const taint = (effect: string) => ({ taints: [{ key: "mine", effect }] });

test("where pods are made and which go", async (t) => {
  const rows: [string, DaemonSet, Node[], Pod[], string[], string[]][] = [
    ["one on every node", daemon(), three, [pod("a", "n2")], ["n1", "n3"], []],
    [
      "only where the selector says",
      daemon({}, { nodeSelector: { disk: "ssd" } }),
      [node("n1"), node("n2", {}, { disk: "ssd" })],
      [],
      ["n2"],
      [],
    ],
    ["not where it is not tolerated", daemon(), [node("n1", taint("NoSchedule"))], [], [], []],
    [
      "stays where only new ones are unwelcome",
      daemon(),
      [node("n1", taint("NoSchedule"))],
      [pod("a", "n1")],
      [],
      [],
    ],
    [
      "leaves where it is driven away",
      daemon(),
      [node("n1", taint("NoExecute"))],
      [pod("a", "n1")],
      [],
      ["a"],
    ],
    [
      "on cordoned and failing nodes too",
      daemon(),
      [
        node("n1", {
          unschedulable: true,
          taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoExecute" }],
        }),
      ],
      [],
      ["n1"],
      [],
    ],
    ["leaves a node that is gone", daemon(), [], [pod("a", "n9")], [], ["a"]],
    ["a failed one is replaced", daemon(), [node("n1")], [pod("a", "n1", { phase: "Failed" })], [], ["a"]],
    ["of two the younger goes", daemon(), [node("n1")], [pod("a", "n1"), pod("b", "n1")], [], ["b"]],
    ["updates one at a time", daemon(rolling({ maxUnavailable: 1 })), three, old, [], ["old-n1"]],
    [
      "updates half at a time",
      daemon(rolling({ maxUnavailable: "50%" })),
      three,
      old,
      [],
      ["old-n1", "old-n2"],
    ],
    [
      "waits for the one that is missing",
      daemon(rolling({ maxUnavailable: 1 })),
      three,
      [pod("new", "n1", { ready: false }), ...old.slice(1)],
      [],
      [],
    ],
    [
      "what is not available anyway is updated at once",
      daemon(rolling({ maxUnavailable: 1 })),
      three,
      [pod("bad", "n1", { is: "old", ready: false }), ...old.slice(1)],
      [],
      ["bad"],
    ],
    [
      "with surge the new one comes first",
      daemon(rolling({ maxSurge: 1, maxUnavailable: 0 })),
      three,
      old,
      ["n1"],
      [],
    ],
    [
      "and the old one goes when it is there",
      daemon(rolling({ maxSurge: 1, maxUnavailable: 0 })),
      [node("n1")],
      [old[0]!, pod("new", "n1")],
      [],
      ["old-n1"],
    ],
    ["leaves updates to its user", daemon({ updateStrategy: { type: "OnDelete" } }), three, old, [], []],
  ];
  for (const [name, ds, nodes, pods, made, gone] of rows)
    await t.test(name, () => {
      const step = decide(ds, nodes, pods);
      assert.deepEqual([step.made, step.gone], [made, gone]);
    });
});

test("the status counts nodes, not pods", () => {
  const nodes = [...three, node("n4", taint("NoSchedule"))];
  const pods = [pod("a", "n1"), pod("b", "n2", { ready: false, is: "old" }), pod("c", "n4")];
  assert.deepEqual(decide(daemon({ updateStrategy: { type: "OnDelete" } }), nodes, pods).status, {
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    desiredNumberScheduled: 3,
    numberReady: 1,
    updatedNumberScheduled: 1,
    numberAvailable: 1,
    numberUnavailable: 2,
  });
});

test("a pod's affinity names its node, beside what the template asks", () => {
  const asked = { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] };
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [asked] } };
  const made = withNodeAffinity({ metadata: {}, spec: { containers: [], affinity: { nodeAffinity } } }, "n7");
  assert.equal(targetNode(made), "n7");
  assert.deepEqual(
    made.spec!.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!.nodeSelectorTerms[0]!
      .matchExpressions,
    asked.matchExpressions,
  );
});
