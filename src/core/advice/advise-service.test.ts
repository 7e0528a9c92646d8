import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerStatus, EndpointSlice, Pod, Service, ServiceSpec } from "../api/types.ts";
import { type AdviceInput, adviseService } from "./advise-service.ts";
import { findingsToTell } from "./told.ts";

const service = (spec: Partial<ServiceSpec>, name = "s"): Service => ({
  metadata: { name, namespace: "default", creationTimestamp: `2026-01-01T00:00:0${name.length}Z` },
  spec: { selector: { app: "web" }, ports: [{ port: 80, protocol: "TCP" }], ...spec },
});
const ports = (targetPort: string | number): ServiceSpec["ports"] => [
  { port: 80, protocol: "TCP", targetPort },
];
const at = "2026-01-01T00:00:00Z";

/** A running, ready pod with one container `c`, changed as wanted. */
function pod(change: (p: Pod, c: ContainerStatus) => void = () => {}): Pod {
  const c: ContainerStatus = {
    name: "c",
    image: "i",
    imageID: "",
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: at } },
  };
  const p: Pod = {
    metadata: { name: "web-1", namespace: "default", labels: { app: "web" } },
    spec: {
      nodeName: "node-1",
      containers: [{ name: "c", ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }] }],
    },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [c],
    },
  };
  change(p, c);
  return p;
}
const unready = (change: (p: Pod, c: ContainerStatus) => void): Pod =>
  pod((p, c) => {
    p.status!.conditions![0]!.status = "False";
    c.ready = false;
    change(p, c);
  });
/** Says nothing of its ports. */
const undeclared = (): Pod =>
  pod((p) => {
    delete p.spec!.containers[0]!.ports;
  });
const ended = (): Pod =>
  pod((p) => {
    p.status = { phase: "Succeeded" };
  });
const waiting = (reason: string, message?: string): Pod =>
  unready((_, c) => {
    c.state = { waiting: { reason, ...(message ? { message } : {}) } };
  });
const probed = (kind: "readinessProbe" | "startupProbe"): Pod =>
  unready((p, c) => {
    p.spec!.containers[0]![kind] = { httpGet: { port: 8080 } };
    c.started = kind !== "startupProbe";
  });
const slice = (...nodes: string[]): EndpointSlice => ({
  metadata: { name: "s-1", namespace: "default" },
  addressType: "IPv4",
  endpoints: nodes.map((nodeName) => ({ addresses: ["10.0.0.1"], nodeName, conditions: { ready: true } })),
});

const input = (more: Partial<AdviceInput>): AdviceInput => ({
  service: service({}),
  pods: [],
  templates: [],
  slices: [],
  sharing: [],
  nodes: ["node-1", "node-2"],
  hosts: ["172.30.0.1", "fd00:172:30::1"],
  probeFailure: () => undefined,
  surroundings: () => ({ candidates: [], elsewhere: [] }),
  ...more,
});

const alias = (externalName: string): Service => service({ type: "ExternalName", externalName });
const balancer = (name: string, spec: Partial<ServiceSpec>, ip?: string): Service => ({
  ...service({ type: "LoadBalancer", ...spec }, name),
  status: { loadBalancer: ip ? { ingress: [{ ip }] } : {} },
});
const onPort = (port: number): Partial<ServiceSpec> => ({
  loadBalancerIP: "172.30.200.7",
  ports: [{ port, protocol: "TCP" }],
});

const rows: [name: string, Partial<AdviceInput>, string[]][] = [
  ["all is well", { pods: [pod()], service: service({ ports: ports("http") }) }, []],
  ["no pods", {}, ["NoPodsSelected error spec.selector: no pod has app=web yet"]],
  ["no pods, not known", { surroundings: () => undefined }, []],
  [
    "no pods, one named almost so",
    {
      surroundings: () => ({
        candidates: [{ kind: "pod", labels: { app: "web-svc" }, spec: undefined }],
        elsewhere: [{ namespace: "shop", pods: 1 }],
      }),
    },
    ["NoPodsSelected error spec.selector: no pod has app=web; 1 pod has app=web-svc"],
  ],
  [
    "no pods here, some elsewhere",
    { surroundings: () => ({ candidates: [], elsewhere: [{ namespace: "shop", pods: 2 }] }) },
    [
      "NoPodsSelected error spec.selector: no pod in namespace default has app=web; 2 pods in namespace shop have",
    ],
  ],
  [
    "a template",
    { templates: [pod().spec!], service: service({ ports: ports("htpp") }) },
    [
      'TargetPortMissing error spec.ports[0].targetPort: no selected pod has a TCP port named "htpp" (they have http)',
      "PodsStarting starting no selected pod is there yet; a pod template has its labels",
    ],
  ],
  [
    "a named port of another protocol",
    { pods: [pod()], service: service({ ports: [{ port: 53, protocol: "UDP", targetPort: "http" }] }) },
    [
      'TargetPortMissing error spec.ports[0].targetPort: no selected pod has a UDP port named "http" (they name none)',
    ],
  ],
  [
    "a named port on one of two",
    {
      pods: [pod(), undeclared()],
      service: service({ ports: ports("http") }),
    },
    [],
  ],
  ["a number that is declared", { pods: [pod()], service: service({ ports: ports(8080) }) }, []],
  [
    "a number that is not declared",
    { pods: [pod()], service: service({ ports: ports(80) }) },
    [
      "TargetPortUndeclared advice spec.ports[0].targetPort: no selected pod declares 80/TCP (they declare 8080/TCP)",
    ],
  ],
  [
    "a number, and a pod that declares nothing",
    {
      pods: [pod(), undeclared()],
      service: service({ ports: ports(80) }),
    },
    [],
  ],
  [
    "no image",
    {
      pods: [waiting("ImagePullBackOff", 'Back-off pulling image "x"')],
      service: service({ ports: ports("http") }),
    },
    [
      'NoReadyPods error no selected pod is ready (1 pod): container c: ImagePullBackOff: Back-off pulling image "x"',
    ],
  ],
  [
    "it crashes",
    {
      pods: [
        unready((_, c) => {
          c.state = { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s restarting" } };
          c.lastState = { terminated: { exitCode: 3, startedAt: at, finishedAt: at } };
        }),
      ],
      service: service({ ports: ports("http") }),
    },
    [
      "NoReadyPods error no selected pod is ready (1 pod): container c: CrashLoopBackOff: it ended with exit code 3",
    ],
  ],
  [
    "readiness fails, and most say so",
    {
      pods: [probed("readinessProbe"), probed("readinessProbe"), waiting("ContainerCreating")],
      probeFailure: () => "Readiness probe failed: HTTP probe failed with statuscode: 404",
      service: service({ ports: ports("http") }),
    },
    [
      "NoReadyPods error no selected pod is ready (3 pods): container c: Readiness probe failed: HTTP probe failed with statuscode: 404",
    ],
  ],
  [
    "the startup probe did not fail yet",
    { pods: [probed("startupProbe")], service: service({ ports: ports("http") }) },
    [
      "PodsStarting starting no selected pod is ready yet (1 pod): container c has not passed its startup probe yet",
    ],
  ],
  [
    "not scheduled",
    {
      pods: [
        unready((p) => {
          p.status = {
            phase: "Pending",
            conditions: [
              {
                type: "PodScheduled",
                status: "False",
                reason: "Unschedulable",
                message: "0/1 nodes are available",
              },
            ],
          };
        }),
      ],
      service: service({ ports: ports("http") }),
    },
    ["NoReadyPods error no selected pod is ready (1 pod): not scheduled: 0/1 nodes are available"],
  ],
  [
    "all have ended",
    {
      pods: [ended()],
      service: service({ ports: ports("http") }),
    },
    ["NoReadyPods error no selected pod is ready (1 pod): it has ended (Succeeded)"],
  ],
  [
    "one of two is ready",
    { pods: [pod(), waiting("ErrImagePull")], service: service({ ports: ports("http") }) },
    [],
  ],
  [
    "readiness does not matter",
    {
      pods: [waiting("ErrImagePull")],
      service: service({ ports: ports("http"), publishNotReadyAddresses: true }),
    },
    [],
  ],
  [
    "no selector, no endpoints",
    { service: service({ selector: {} }) },
    ["NoEndpoints error it has no selector, and no EndpointSlice of it has a ready endpoint"],
  ],
  ["no selector, endpoints", { service: service({ selector: {} }), slices: [slice("node-1")] }, []],
  ["a name", { service: alias("example.com") }, []],
  [
    "an address for a name",
    { service: alias("10.0.0.1") },
    [
      "ExternalNameIsAddress error spec.externalName: 10.0.0.1 is an address, and a CNAME needs a name; use a Service without selector and an EndpointSlice",
    ],
  ],
  [
    "a load balancer's port twice, the younger",
    {
      pods: [undeclared()],
      service: balancer("younger", onPort(80)),
      sharing: [balancer("old", onPort(80), "172.30.200.7")],
    },
    [
      "LoadBalancerPortOverlap error spec.loadBalancerIP: 172.30.200.7 on 80/TCP is wanted by Service default/old too",
    ],
  ],
  [
    "a load balancer's port twice, the older",
    {
      pods: [undeclared()],
      service: balancer("old", onPort(80), "172.30.200.7"),
      sharing: [balancer("younger", onPort(80)), balancer("old", onPort(80))],
    },
    [
      "LoadBalancerPortOverlap advice spec.loadBalancerIP: 172.30.200.7 on 80/TCP is wanted by Service default/younger too",
    ],
  ],
  [
    "a load balancer's address that somebody has, for another port",
    {
      pods: [undeclared()],
      service: balancer("younger", onPort(81)),
      sharing: [balancer("old", onPort(80), "172.30.200.7")],
    },
    ["LoadBalancerAddressTaken error spec.loadBalancerIP: 172.30.200.7 belongs to Service default/old"],
  ],
  [
    "an external address that is another's cluster address",
    {
      pods: [undeclared()],
      service: service({ externalIPs: ["10.96.0.10"] }, "younger"),
      sharing: [service({ clusterIPs: ["10.96.0.10"] }, "dns")],
    },
    [
      "LoadBalancerPortOverlap error spec.externalIPs[0]: 10.96.0.10 on 80/TCP is wanted by Service default/dns too",
    ],
  ],
  [
    "Local, and a node without endpoint",
    {
      pods: [pod()],
      slices: [slice("node-1")],
      service: service({
        type: "NodePort",
        externalTrafficPolicy: "Local",
        internalTrafficPolicy: "Local",
        ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
      }),
    },
    [
      "NodePortBlocked advice spec.externalTrafficPolicy: Local, and no ready endpoint on node-2: node port 30080 does not answer there",
      "LocalEndpointsMissing advice spec.internalTrafficPolicy: Local, and no ready endpoint on node-2: pods there cannot reach it",
    ],
  ],
  [
    "Local, and endpoints everywhere",
    {
      pods: [pod()],
      slices: [slice("node-1", "node-2")],
      service: service({ internalTrafficPolicy: "Local", ports: ports("http") }),
    },
    [],
  ],
  [
    "ranges without the host",
    {
      pods: [pod()],
      service: balancer("b", { ports: ports("http"), loadBalancerSourceRanges: ["10.0.0.0/8"] }),
    },
    [
      "SourceRangesExcludeHost advice spec.loadBalancerSourceRanges: 172.30.0.1, this cluster's host, is in none of them and will not be answered",
    ],
  ],
  [
    "ranges with the host",
    {
      pods: [pod()],
      service: balancer("b", {
        ports: ports("http"),
        loadBalancerSourceRanges: ["10.0.0.0/8", " 172.30.0.0/24"],
      }),
    },
    [],
  ],
];
for (const [name, more, wanted] of rows)
  test(`advice: ${name}`, () =>
    assert.deepEqual(
      adviseService(input(more)).map((f) => `${f.reason} ${f.severity} ${f.message}`),
      wanted,
    ));

test("only what is no ordinary course is told, three at most", () => {
  const told = (more: Partial<AdviceInput>, populated = true, fieldManager = "kubectl"): string[] =>
    findingsToTell(adviseService(input(more)), { populated, fieldManager }).map((f) => f.reason);
  assert.deepEqual(told({}), ["NoPodsSelected"]);
  assert.deepEqual(told({}, false), []);
  assert.deepEqual(told({}, true, "kubectl-run"), []);
  assert.deepEqual(
    told({ pods: [waiting("ContainerCreating")], service: service({ ports: ports("http") }) }),
    [],
  );
  assert.deepEqual(told({ service: service({ selector: {} }) }), []);
  const many = [1, 2, 3, 4].map((port) => ({ port, protocol: "TCP", targetPort: "x" }));
  assert.equal(told({ pods: [pod()], service: service({ ports: many }) }).length, 3);
});
