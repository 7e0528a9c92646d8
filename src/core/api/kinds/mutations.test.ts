// Whatever has the right types is answered, never thrown over: rich objects, mutated at random places.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ctx } from "../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { definitions } from "./mod.ts";

const term = { labelSelector: { matchLabels: { a: "b" } }, topologyKey: "zone", matchLabelKeys: ["c"] };
const expression = { key: "a", operator: "In", values: ["b"] };
const container = {
  name: "c",
  image: "nginx:1",
  command: ["a"],
  ports: [{ name: "http", containerPort: 80, hostPort: 8080, hostIP: "10.0.0.1", protocol: "TCP" }],
  env: [
    { name: "A", value: "1" },
    { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
    { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
    { name: "D", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
  ],
  envFrom: [{ prefix: "P", configMapRef: { name: "cm" } }],
  volumeMounts: [{ name: "v", mountPath: "/v", subPath: "a", mountPropagation: "None" }],
  volumeDevices: [{ name: "p", devicePath: "/dev/x" }],
  resources: { limits: { cpu: "1", memory: "1Gi", "hugepages-2Mi": "4Mi" }, requests: { cpu: "500m" } },
  resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }],
  livenessProbe: { httpGet: { port: "http", httpHeaders: [{ name: "X", value: "y" }] } },
  readinessProbe: { grpc: { port: 80 } },
  startupProbe: { tcpSocket: { port: 80 } },
  lifecycle: { preStop: { sleep: { seconds: 1 } }, postStart: { exec: { command: ["a"] } } },
  securityContext: {
    runAsUser: 1,
    capabilities: { add: ["NET_ADMIN"] },
    seccompProfile: { type: "Unconfined" },
  },
};
const podSpec = {
  initContainers: [{ ...container, name: "i", restartPolicy: "Always", ports: [] }],
  containers: [container],
  volumes: [
    { name: "v", emptyDir: { sizeLimit: "1Gi" } },
    { name: "p", persistentVolumeClaim: { claimName: "x" } },
    { name: "q", configMap: { name: "cm", items: [{ key: "a", path: "b", mode: 420 }] } },
    {
      name: "r",
      projected: {
        sources: [
          { serviceAccountToken: { path: "t" } },
          { downwardAPI: { items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels" } }] } },
          { clusterTrustBundle: { name: "b", path: "c" } },
        ],
      },
    },
    { name: "h", hostPath: { path: "/h", type: "Directory" } },
    { name: "n", nfs: { server: "s", path: "/p" } },
  ],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [expression],
            matchFields: [{ key: "metadata.name", operator: "In", values: ["n"] }],
          },
        ],
      },
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, preference: { matchExpressions: [expression] } },
      ],
    },
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }],
    },
  },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: "z", whenUnsatisfiable: "DoNotSchedule", minDomains: 1, labelSelector: {} },
  ],
  tolerations: [{ key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 1 }],
  hostAliases: [{ ip: "10.0.0.1", hostnames: ["a"] }],
  dnsConfig: { nameservers: ["10.0.0.1"], searches: ["a.b"], options: [{ name: "ndots", value: "2" }] },
  securityContext: { sysctls: [{ name: "net.a", value: "1" }], fsGroup: 1, supplementalGroups: [1] },
  readinessGates: [{ conditionType: "a/b" }],
  schedulingGates: [{ name: "a/b" }],
  imagePullSecrets: [{ name: "s" }],
  nodeSelector: { a: "b" },
  resources: { limits: { cpu: "2" } },
  overhead: { cpu: "1m" },
  os: { name: "linux" },
};
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const containerStatus = { name: "c", ready: true, restartCount: 1, image: "", imageID: "", state: running };
const template = { metadata: { labels: { a: "b" } }, spec: podSpec };
const selector = { matchLabels: { a: "b" }, matchExpressions: [expression] };
const metadata = {
  name: "web",
  namespace: "default",
  labels: { a: "b" },
  annotations: { c: "d" },
  finalizers: ["a/b"],
  ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "a", uid: "b", controller: true }],
};

const rich: Record<string, object> = {
  Pod: {
    spec: podSpec,
    status: {
      phase: "Running",
      podIPs: [{ ip: "10.0.0.1" }],
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [containerStatus],
      initContainerStatuses: [{ ...containerStatus, name: "i", started: true }],
    },
  },
  Service: {
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.96.0.9",
      clusterIPs: ["10.96.0.9"],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ name: "a", port: 80, nodePort: 30080, targetPort: "http", appProtocol: "http" }],
      externalIPs: ["1.2.3.4"],
      loadBalancerSourceRanges: ["10.0.0.0/8"],
      sessionAffinity: "ClientIP",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 30090,
      selector: { a: "b" },
    },
    status: { loadBalancer: { ingress: [{ ip: "1.2.3.4", ipMode: "VIP" }] } },
  },
  Endpoints: {
    subsets: [{ addresses: [{ ip: "10.0.0.1", nodeName: "n" }], ports: [{ name: "a", port: 80 }] }],
  },
  EndpointSlice: {
    addressType: "IPv4",
    endpoints: [
      { addresses: ["10.0.0.1"], conditions: { ready: true }, hints: { forZones: [{ name: "z" }] } },
    ],
    ports: [{ name: "a", port: 80, protocol: "TCP" }],
  },
  Deployment: { spec: { replicas: 1, selector, template, strategy: { rollingUpdate: { maxSurge: 1 } } } },
  ReplicaSet: { spec: { replicas: 1, selector, template }, status: { replicas: 1, readyReplicas: 1 } },
  DaemonSet: { spec: { selector, template, updateStrategy: { rollingUpdate: { maxSurge: 1 } } } },
  StatefulSet: {
    spec: { selector, template, serviceName: "s", updateStrategy: { rollingUpdate: { partition: 1 } } },
  },
  Job: { spec: { template, completions: 2, parallelism: 1, backoffLimit: 3, completionMode: "Indexed" } },
  CronJob: { spec: { schedule: "*/5 * * * *", timeZone: "Etc/UTC", jobTemplate: { spec: { template } } } },
  ControllerRevision: { data: { a: 1 }, revision: 1 },
  ReplicationController: { spec: { replicas: 1, selector: { a: "b" }, template } },
  Node: {
    spec: { podCIDRs: ["10.0.0.0/24"], taints: [{ key: "a", effect: "NoSchedule" }] },
    status: { capacity: { cpu: "1" }, addresses: [{ type: "InternalIP", address: "10.0.0.1" }] },
  },
  Event: {
    involvedObject: { kind: "Pod", namespace: "default" },
    series: { count: 2 },
    eventTime: "2026-01-01T00:00:00Z",
  },
  Secret: { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "e30=" } },
  Lease: { spec: { leaseDurationSeconds: 1, strategy: "a/b" } },
};

type Json = Record<string, unknown> | unknown[];
const replacements: Record<string, unknown[]> = {
  string: ["", "x", "A B/c", "10.0.0.300", "::1", "-1", "100%", "é".repeat(70), "__proto__", "None"],
  number: [0, -1, 1, 65536, 2 ** 40, 0.5],
  boolean: [true, false],
};

/** Every place in a tree, as the object that holds it and the key. */
function places(tree: Json, found: [Json, string][] = []): [Json, string][] {
  for (const [k, v] of Object.entries(tree)) {
    found.push([tree, k]);
    if (v !== null && typeof v === "object") places(v as Json, found);
  }
  return found;
}

function mutate(tree: Json, seeds: readonly [number, number][]): void {
  for (const [where, how] of seeds) {
    const all = places(tree);
    if (all.length === 0) return;
    const [holder, key] = all[where % all.length]!;
    const at = holder as Record<string, unknown>;
    const value = at[key];
    if (Array.isArray(holder) && how % 3 === 0) holder.push(structuredClone(value));
    else if (how % 5 === 0 && !Array.isArray(holder)) delete at[key];
    else if (Array.isArray(value)) at[key] = [];
    else if (value !== null && typeof value === "object") at[key] = {};
    else {
      const choice = replacements[typeof value] ?? [value];
      at[key] = choice[how % choice.length];
    }
  }
}

for (const d of definitions) {
  const base = { metadata, ...(rich[d.kind] ?? {}) };
  test(`${d.group || "core"}/${d.kind}: no mutation makes its rules throw`, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(10000), fc.nat(1000)), { maxLength: 6 }), (seeds) => {
        const old = structuredClone(base) as unknown as KubeObject;
        d.setDefaults?.(old);
        const o = structuredClone(base) as unknown as KubeObject;
        mutate(o as unknown as Json, seeds);
        o.metadata ??= {};
        d.setDefaults?.(o);
        const created = structuredClone(o);
        d.prepareForCreate?.(created, ctx);
        const status = structuredClone(o);
        d.prepareForUpdate?.(o, old, ctx);
        d.prepareForStatusUpdate?.(status, old, ctx);
        for (const e of [
          ...d.validate!(created, ctx),
          ...d.validateUpdate!(o, old, ctx),
          ...d.validateStatusUpdate!(status, old),
        ])
          assert.ok(fieldErrorMessage(e).length > 0);
        for (const c of d.columns) c.cell(o, 0);
        for (const get of Object.values(d.fields ?? {})) get(o);
        d.warnings?.(o, old);
      }),
      { numRuns: 150, includeErrorInReport: true },
    );
  });
}
