import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "../../../core/api/types.ts";
import { admit, podRequests } from "./admission.ts";

const room = { milliCpu: 2000, memoryBytes: 1024, storageBytes: 0, pods: 2 };
const node: Node = {
  metadata: { name: "n", labels: { "kubernetes.io/os": "linux", disk: "hdd" } },
  spec: { taints: [{ key: "k", value: "v", effect: "NoExecute" }] },
};
const tolerations = [{ operator: "Exists", effect: "NoExecute" }];
const pod = (requests: object = {}, spec: object = {}): Pod =>
  ({
    metadata: {},
    spec: { containers: [{ name: "c", resources: { requests } }], tolerations, ...spec },
  }) as unknown as Pod;

test("a pod's requests count sidecars always and init containers by the largest", () => {
  const spec = {
    initContainers: [
      { name: "i", resources: { requests: { cpu: "3" } } },
      { name: "s", restartPolicy: "Always", resources: { requests: { cpu: "500m" } } },
    ],
  };
  assert.equal(podRequests(pod({ cpu: "1" }, spec)).milliCpu, 3000);
  assert.equal(podRequests(pod({ cpu: "3" }, spec)).milliCpu, 3500);
});

const affinity = (list: "matchFields" | "matchExpressions", requirement: object): object => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ [list]: [requirement] }] },
    },
  },
});

const rows: { name: string; pod: Pod; others?: Pod[]; expect: string | undefined }[] = [
  { name: "it fits", pod: pod({ cpu: "1" }), expect: undefined },
  {
    name: "too much CPU beside another",
    pod: pod({ cpu: "1500m" }),
    others: [pod({ cpu: "1" })],
    expect:
      "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  },
  {
    name: "too much memory",
    pod: pod({ memory: "2Ki" }),
    expect:
      "OutOfmemory: Pod was rejected: Node didn't have enough resource: memory, requested: 2048, used: 0, capacity: 1024",
  },
  {
    name: "too many pods",
    pod: pod(),
    others: [pod(), pod()],
    expect:
      "OutOfpods: Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2",
  },
  {
    name: "another node's selector",
    pod: pod({}, { nodeSelector: { disk: "ssd" } }),
    expect:
      "NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  },
  { name: "this node's selector", pod: pod({}, { nodeSelector: { disk: "hdd" } }), expect: undefined },
  {
    name: "another node's affinity",
    pod: pod({}, affinity("matchFields", { key: "metadata.name", operator: "In", values: ["node-2"] })),
    expect:
      "NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  },
  {
    name: "this node's affinity",
    pod: pod({}, affinity("matchExpressions", { key: "disk", operator: "NotIn", values: ["ssd"] })),
    expect: undefined,
  },
  {
    name: "a host port that another pod has",
    pod: pod({}, { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080 }] }] }),
    others: [pod({}, { hostNetwork: true, containers: [{ name: "c", ports: [{ containerPort: 8080 }] }] })],
    expect:
      "NodePorts: Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  },
  {
    name: "the same host port of another protocol",
    pod: pod({}, { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080 }] }] }),
    others: [
      pod(
        {},
        { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080, protocol: "UDP" }] }] },
      ),
    ],
    expect: undefined,
  },
  {
    name: "required affinity for another node",
    pod: pod(
      {},
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] }],
            },
          },
        },
      },
    ),
    expect:
      "NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  },
  {
    name: "a taint that is not tolerated",
    pod: pod({}, { tolerations: [] }),
    expect:
      "TaintToleration: Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
  },
  {
    name: "another system",
    pod: pod({}, { os: { name: "windows" } }),
    expect: "PodOSNotSupported: Pod was rejected: Failed to admit pod as the OS field doesn't match node OS",
  },
  {
    name: "no groups but those that the pod names",
    pod: pod({}, { securityContext: { supplementalGroupsPolicy: "Strict" } }),
    expect:
      "SupplementalGroupsPolicyNotSupported: Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node",
  },
  {
    name: "another system by label",
    pod: { ...pod(), metadata: { labels: { "kubernetes.io/os": "windows" } } },
    expect:
      "PodOSSelectorNodeLabelDoesNotMatch: Pod was rejected: Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
  },
  {
    name: "a sysctl of the whole machine",
    pod: pod({}, { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } }),
    expect: 'SysctlForbidden: Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
  },
  {
    name: "a pod's own sysctl",
    pod: pod({}, { securityContext: { sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }] } }),
    expect: undefined,
  },
];

for (const row of rows)
  test(row.name, () => {
    const refusal = admit(row.pod, row.others ?? [], room, node);
    assert.equal(refusal && `${refusal.reason}: ${refusal.message}`, row.expect);
  });

test("a node that could not be read refuses no selector", () => {
  assert.equal(admit(pod({}, { nodeSelector: { disk: "ssd" } }), [], room, undefined), undefined);
});
