import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "../../core/api/types.ts";
import { ClusterView } from "./cluster-view.ts";
import { schedulePod } from "./decide.ts";

interface NodeTraits {
  cpu?: string;
  memory?: string;
  pods?: string;
  labels?: Record<string, string>;
  taints?: NonNullable<NonNullable<Node["spec"]>["taints"]>;
  unschedulable?: boolean;
}
function node(name: string, t: NodeTraits = {}): Node {
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...t.labels } },
    spec: { ...(t.taints ? { taints: t.taints } : {}), ...(t.unschedulable ? { unschedulable: true } : {}) },
    status: { allocatable: { cpu: t.cpu ?? "2", memory: t.memory ?? "4Gi", pods: t.pods ?? "110" } },
  };
}

let serial = 0;
function pod(spec: Partial<NonNullable<Pod["spec"]>> = {}, labels: Record<string, string> = {}): Pod {
  const name = `p${++serial}`;
  return {
    metadata: { name, namespace: "default", uid: name, labels },
    spec: { containers: [{ name: "c" }], ...spec },
  };
}
const asking = (cpu: string, more: object = {}): Partial<NonNullable<Pod["spec"]>> => ({
  containers: [{ name: "c", resources: { requests: { cpu, ...more } } }],
});
const on = (nodeName: string, p: Pod): Pod => ({ ...p, spec: { ...p.spec!, nodeName } });

function decide(p: Pod, nodes: Node[], placed: Pod[] = []): string {
  const view = new ClusterView();
  view.putNamespace({ metadata: { name: "other", labels: { team: "a" } } });
  for (const n of nodes) view.putNode(n);
  for (const x of placed) view.putPod(x);
  const decision = schedulePod(p, view, { random: () => 0 });
  return decision.kind === "bind" ? decision.node : decision.message;
}
const sorry = (n: number, why: string, preemption: string): string =>
  `0/${n} nodes are available: ${why}. no new claims to deallocate, preemption: 0/${n} nodes are available: ${preemption}.`;
const unhelpful = (n: number): string => `${n} Preemption is not helpful for scheduling`;
const noVictims = (n: number): string => `${n} No preemption victims found for incoming pod`;

const taint = { key: "k", value: "v", effect: "NoSchedule" };
const hostPort = (port: number, hostIP?: string): Partial<NonNullable<Pod["spec"]>> => ({
  containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: port, ...(hostIP ? { hostIP } : {}) }] }],
});
const selector = (app: string) => ({
  labelSelector: { matchLabels: { app } },
  topologyKey: "kubernetes.io/hostname",
});
const near = (app: string, more: object = {}): Partial<NonNullable<Pod["spec"]>> => ({
  affinity: {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...selector(app), ...more }] },
  },
});
const apart = (app: string): Partial<NonNullable<Pod["spec"]>> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selector(app)] } },
});
const affinityTo = (key: string, operator: string, values: string[]): Partial<NonNullable<Pod["spec"]>> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
      },
    },
  },
});
const spread = (app: string, more: object = {}): Partial<NonNullable<Pod["spec"]>> => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: "zone",
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { app } },
      ...more,
    },
  ],
});
const zones = [node("a", { labels: { zone: "1" } }), node("b", { labels: { zone: "2" } })];

test("where a pod goes, and what is said when it cannot", async (t) => {
  const rows: [string, Pod, Node[], Pod[], string][] = [
    ["no nodes at all", pod(), [], [], "no nodes available to schedule pods"],
    ["one that fits", pod(), [node("a")], [], "a"],
    [
      "more than any node has",
      pod(asking("4")),
      [node("a"), node("b", { taints: [taint] })],
      [],
      sorry(2, "1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}", unhelpful(2)),
    ],
    [
      "no room because of others",
      pod(asking("1500m", { memory: "1Gi" })),
      [node("a")],
      [on("a", pod(asking("1")))],
      sorry(1, "1 Insufficient cpu", noVictims(1)),
    ],
    [
      "finished pods take no room",
      pod(asking("2")),
      [node("a")],
      [{ ...on("a", pod(asking("1"))), status: { phase: "Succeeded" } }],
      "a",
    ],
    [
      "too many pods, and too much memory",
      pod(asking("1", { memory: "8Gi" })),
      [node("a", { pods: "1" })],
      [on("a", pod())],
      sorry(1, "1 Insufficient memory, 1 Too many pods", unhelpful(1)),
    ],
    [
      "an unknown resource",
      pod(asking("1", { "example.com/gpu": "1" })),
      [node("a")],
      [],
      sorry(1, "1 Insufficient example.com/gpu", unhelpful(1)),
    ],
    [
      "an init container asks for more than the rest",
      pod({ ...asking("500m"), initContainers: [{ name: "i", resources: { requests: { cpu: "3" } } }] }),
      [node("a")],
      [],
      sorry(1, "1 Insufficient cpu", unhelpful(1)),
    ],
    [
      "a sidecar adds to the rest",
      pod({
        ...asking("1500m"),
        initContainers: [{ name: "s", restartPolicy: "Always", resources: { requests: { cpu: "1" } } }],
      }),
      [node("a")],
      [],
      sorry(1, "1 Insufficient cpu", unhelpful(1)),
    ],
    [
      "cordoned",
      pod(),
      [node("a", { unschedulable: true })],
      [],
      sorry(1, "1 node(s) were unschedulable", unhelpful(1)),
    ],
    [
      "tolerated",
      pod({ tolerations: [{ key: "k", operator: "Exists" }] }),
      [node("a", { taints: [taint] })],
      [],
      "a",
    ],
    [
      "everything tolerated",
      pod({ tolerations: [{ operator: "Exists" }] }),
      [node("a", { taints: [taint], unschedulable: true })],
      [],
      "a",
    ],
    [
      "another value is not tolerated",
      pod({ tolerations: [{ key: "k", value: "w" }] }),
      [node("a", { taints: [taint] })],
      [],
      sorry(1, "1 node(s) had untolerated taint {k: v}", unhelpful(1)),
    ],
    [
      "a taint that only prefers",
      pod(),
      [node("a", { taints: [{ key: "k", effect: "PreferNoSchedule" }] }), node("b")],
      [],
      "b",
    ],
    ["node selector", pod({ nodeSelector: { zone: "2" } }), zones, [], "b"],
    [
      "node selector that none has",
      pod({ nodeSelector: { zone: "3" } }),
      zones,
      [],
      sorry(2, "2 node(s) didn't match Pod's node affinity/selector", unhelpful(2)),
    ],
    ["required affinity", pod(affinityTo("zone", "NotIn", ["1"])), zones, [], "b"],
    ["affinity by number", pod(affinityTo("zone", "Gt", ["1"])), zones, [], "b"],
    [
      "preferred affinity",
      pod({
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 10,
                preference: { matchExpressions: [{ key: "zone", operator: "In", values: ["2"] }] },
              },
            ],
          },
        },
      }),
      zones,
      [],
      "b",
    ],
    [
      "a host port in use",
      pod(hostPort(8080)),
      [node("a")],
      [on("a", pod(hostPort(8080, "127.0.0.1")))],
      sorry(1, "1 node(s) didn't have free ports for the requested pod ports", noVictims(1)),
    ],
    [
      "a host port on another address",
      pod(hostPort(8080, "127.0.0.2")),
      [node("a")],
      [on("a", pod(hostPort(8080, "127.0.0.1")))],
      "a",
    ],
    ["the emptier node", pod(asking("100m")), [node("a"), node("b")], [on("a", pod(asking("1")))], "b"],
    ["near its friend", pod(near("db")), [node("a"), node("b")], [on("b", pod({}, { app: "db" }))], "b"],
    ["the first of its group", pod(near("db"), { app: "db" }), [node("a")], [], "a"],
    [
      "no friend anywhere",
      pod(near("db")),
      [node("a")],
      [],
      sorry(1, "1 node(s) didn't match pod affinity rules", unhelpful(1)),
    ],
    [
      "a friend in another namespace",
      pod(near("db", { namespaceSelector: { matchLabels: { team: "a" } } })),
      [node("a"), node("b")],
      [
        on("b", {
          ...pod({}, { app: "db" }),
          metadata: { name: "x", namespace: "other", uid: "x", labels: { app: "db" } },
        }),
      ],
      "b",
    ],
    [
      "apart from its like",
      pod(apart("db")),
      [node("a")],
      [on("a", pod({}, { app: "db" }))],
      sorry(1, "1 node(s) didn't match pod anti-affinity rules", noVictims(1)),
    ],
    [
      "one there wants to be alone",
      pod({}, { app: "db" }),
      [node("a")],
      [on("a", pod(apart("db")))],
      sorry(1, "1 node(s) didn't satisfy existing pods anti-affinity rules", noVictims(1)),
    ],
    ["spread", pod(spread("web"), { app: "web" }), zones, [on("a", pod({}, { app: "web" }))], "b"],
    [
      "spread that cannot be kept",
      pod({ ...spread("web"), nodeName: "" }, { app: "web" }),
      [zones[0]!, node("b", { labels: { zone: "2" }, unschedulable: true })],
      [on("a", pod({}, { app: "web" }))],
      sorry(
        2,
        "1 node(s) didn't match pod topology spread constraints, 1 node(s) were unschedulable",
        "1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling",
      ),
    ],
    [
      "spread over a label that is missing",
      pod(spread("web", { topologyKey: "rack" })),
      [node("a")],
      [],
      sorry(
        1,
        "1 node(s) didn't match pod topology spread constraints (missing required label)",
        unhelpful(1),
      ),
    ],
    [
      "a volume claim",
      pod({ volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] }),
      [node("a")],
      [],
      `0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: ${unhelpful(1)}.`,
    ],
    [
      "a pod that may not preempt",
      pod({ ...asking("4"), preemptionPolicy: "Never" }),
      [node("a")],
      [],
      "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
    ],
  ];
  for (const [name, p, nodes, placed, expected] of rows)
    await t.test(name, () => assert.equal(decide(p, nodes, placed), expected));
});
