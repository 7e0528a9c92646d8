// What `kubectl get -o wide` shows of every kind but pods, Services and workloads, which have tests of their own.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResourceDefinition } from "../resource.ts";
import type { KubeObject } from "../types.ts";
import { definitions } from "./mod.ts";

const slices = "discovery.k8s.io";
const resource = "resource.k8s.io";
const find = (plural: string, group = ""): ResourceDefinition =>
  definitions.find((d) => d.plural === plural && d.group === group)!;

const now = Date.parse("2026-01-01T01:00:00Z");
const meta = { name: "a", creationTimestamp: "2026-01-01T00:00:00Z" };
const ready = { conditions: [{ type: "Ready", status: "True" }] };
const tables: [name: string, plural: string, group: string, object: object, cells: string][] = [
  ["namespace", "namespaces", "", { status: { phase: "Active" } }, "a|Active|60m"],
  [
    "node",
    "nodes",
    "",
    {
      metadata: { labels: { "node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "edge" } },
      spec: { unschedulable: true },
      status: {
        ...ready,
        nodeInfo: {
          kubeletVersion: "v1.36.0",
          osImage: "Debian",
          kernelVersion: "6.1",
          containerRuntimeVersion: "containerd://1.6",
        },
        addresses: [{ type: "InternalIP", address: "172.30.0.2" }],
      },
    },
    "a|Ready,SchedulingDisabled|control-plane,edge|60m|v1.36.0|172.30.0.2|<none>|Debian|6.1|containerd://1.6",
  ],
  ["node without word", "nodes", "", {}, "a|Unknown|<none>|60m||<none>|<none>|<unknown>|<unknown>|<unknown>"],
  [
    "claim",
    "persistentvolumeclaims",
    "",
    {
      spec: { volumeName: "disk", storageClassName: "standard", volumeMode: "Filesystem" },
      status: {
        phase: "Bound",
        accessModes: ["ReadWriteMany", "ReadWriteOnce"],
        capacity: { storage: "1Gi" },
      },
    },
    "a|Bound|disk|1Gi|RWO,RWX|standard|<unset>|60m|Filesystem",
  ],
  [
    "claim without volume",
    "persistentvolumeclaims",
    "",
    { status: { phase: "Pending" } },
    "a|Pending|||||<unset>|60m|<unset>",
  ],
  [
    "volume",
    "persistentvolumes",
    "",
    {
      spec: {
        accessModes: ["ReadOnlyMany"],
        capacity: { storage: "1Gi" },
        claimRef: { namespace: "default", name: "data" },
        persistentVolumeReclaimPolicy: "Retain",
        storageClassName: "slow",
      },
      status: { phase: "Released" },
    },
    "a|1Gi|ROX|Retain|Released|default/data|slow|<unset>||60m|<unset>",
  ],
  [
    "default class",
    "storageclasses",
    "storage.k8s.io",
    {
      metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: "x/y",
    },
    "a (default)|x/y|Delete|Immediate|false|60m",
  ],
  [
    "quota",
    "resourcequotas",
    "",
    { status: { hard: { pods: "2", "limits.cpu": "1", cpu: "1" }, used: { pods: "1" } } },
    "a|cpu: 0/1, pods: 1/2|limits.cpu: 0/1|60m",
  ],
  [
    "priority class",
    "priorityclasses",
    "scheduling.k8s.io",
    { value: 5, preemptionPolicy: "Never" },
    "a|5|false|60m|Never",
  ],
  ["no endpoints", "endpoints", "", {}, "a|<none>|60m"],
  [
    "endpoints",
    "endpoints",
    "",
    {
      subsets: [
        {
          addresses: ["1", "2", "3", "4", "5"].map((n) => ({ ip: `10.0.0.${n}` })),
          ports: [{ port: 80 }],
        },
      ],
    },
    "a|10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...|60m",
  ],
  [
    "slice",
    "endpointslices",
    slices,
    { addressType: "IPv4", ports: [{ port: 80 }], endpoints: [{ addresses: ["10.0.0.1"] }] },
    "a|IPv4|80|10.0.0.1|60m",
  ],
  ["empty slice", "endpointslices", slices, { addressType: "IPv4" }, "a|IPv4|<unset>|<unset>|60m"],
  ["ConfigMap", "configmaps", "", { data: { a: "b" }, binaryData: { c: "" } }, "a|2|60m"],
  ["Secret", "secrets", "", { type: "Opaque", data: { a: "" } }, "a|Opaque|1|60m"],
  ["account", "serviceaccounts", "", {}, "a|0|60m"],
  [
    "Ingress",
    "ingresses",
    "networking.k8s.io",
    {
      spec: {
        ingressClassName: "c",
        rules: [{ host: "a.b" }, { host: "b.b" }, {}, { host: "c.b" }, { host: "d.b" }],
        tls: [{ secretName: "s" }],
      },
      status: { loadBalancer: { ingress: [{ ip: "10.0.0.2" }, { hostname: "a.lb" }, { ip: "10.0.0.1" }] } },
    },
    "a|c|a.b,b.b,c.b + 2 more...|10.0.0.1,10.0.0.2,a.lb|80, 443|60m",
  ],
  ["Ingress of nothing", "ingresses", "networking.k8s.io", {}, "a|<none>|*||80|60m"],
  [
    "IngressClass",
    "ingressclasses",
    "networking.k8s.io",
    {
      metadata: { annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
      spec: { controller: "x.io/y", parameters: { apiGroup: "g.io", kind: "K", name: "n" } },
    },
    "a (default)|x.io/y|K.g.io/n|60m",
  ],
  [
    "IPAddress",
    "ipaddresses",
    "networking.k8s.io",
    { spec: { parentRef: { resource: "services", namespace: "default", name: "web" } } },
    "a|services/default/web|60m",
  ],
  [
    "ServiceCIDR",
    "servicecidrs",
    "networking.k8s.io",
    { spec: { cidrs: ["10.96.0.0/16", "fd00::/64"] } },
    "a|10.96.0.0/16,fd00::/64|60m",
  ],
  ["RuntimeClass", "runtimeclasses", "node.k8s.io", { handler: "runc" }, "a|runc|60m"],
  [
    "PodTemplate",
    "podtemplates",
    "",
    { template: { metadata: { labels: { b: "c" } }, spec: { containers: [{ name: "x", image: "y" }] } } },
    "a|x|y|b=c",
  ],
  ["DeviceClass", "deviceclasses", resource, { spec: {} }, "a|60m"],
  ["ResourceClaim", "resourceclaims", resource, { status: {} }, "a|pending|60m"],
  ["ResourceClaim, allocated", "resourceclaims", resource, { status: { allocation: {} } }, "a|allocated|60m"],
  [
    "ResourceClaim in use",
    "resourceclaims",
    resource,
    { status: { allocation: {}, reservedFor: [{ resource: "pods", name: "web", uid: "u" }] } },
    "a|allocated,reserved|60m",
  ],
  [
    "ResourceClaim on its way out",
    "resourceclaims",
    resource,
    { metadata: { deletionTimestamp: "2026-01-01T00:59:00Z" }, status: { allocation: {} } },
    "a|deleted,allocated|60m",
  ],
  [
    "ResourceClaim on its way out, not allocated",
    "resourceclaims",
    resource,
    { metadata: { deletionTimestamp: "2026-01-01T00:59:00Z" } },
    "a|deleted|60m",
  ],
  ["ResourceClaimTemplate", "resourceclaimtemplates", resource, { spec: { spec: {} } }, "a|60m"],
  [
    "ResourceSlice of a node",
    "resourceslices",
    resource,
    { spec: { nodeName: "node-1", driver: "gpu.example.com", pool: { name: "node-1" } } },
    "a|node-1|gpu.example.com|node-1|60m",
  ],
  [
    "ResourceSlice of all nodes",
    "resourceslices",
    resource,
    { spec: { allNodes: true, driver: "net.example.com", pool: { name: "rack" } } },
    "a||net.example.com|rack|60m",
  ],
  ["Lease", "leases", "coordination.k8s.io", { spec: { holderIdentity: "me" } }, "a|me|60m"],
  [
    "Event",
    "events",
    "",
    {
      type: "Normal",
      reason: "Started",
      message: "Started container\n",
      involvedObject: { kind: "Pod", name: "web", fieldPath: "spec.containers{c}" },
      source: { component: "kubelet", host: "node-1" },
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:59:00Z",
      count: 3,
    },
    "60s|Normal|Started|pod/web|spec.containers{c}|kubelet, node-1|Started container|60m|3|a",
  ],
  [
    "Event through events.k8s.io",
    "events",
    "events.k8s.io",
    {
      type: "Warning",
      reason: "Failed",
      note: "No",
      regarding: { kind: "Pod", name: "web" },
      eventTime: "2026-01-01T00:59:30.000000Z",
      reportingController: "kubelet",
    },
    "30s|Warning|Failed|pod/web||kubelet|No|30s|1|a",
  ],
];
for (const [name, plural, group, o, cells] of tables)
  test(`table: ${name}`, () => {
    const d = find(plural, group);
    const given = { ...o, metadata: { ...meta, ...(o as KubeObject).metadata } } as KubeObject;
    assert.equal(d.columns.map((c) => c.cell(given, now)).join("|"), cells);
  });
