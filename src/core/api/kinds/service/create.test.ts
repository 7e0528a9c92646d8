import assert from "node:assert/strict";
import { test } from "node:test";
import { createService, ctx } from "../../../../../test/support/kind-rules.ts";
import { fieldErrorMessage } from "../../status.ts";
import type { Service } from "../../types.ts";
import { service } from "./mod.ts";

const messages = (s: Service): string[] => service.validate!(s, ctx).map(fieldErrorMessage);

test("defaults of a ClusterIP Service", () => {
  const { spec, status } = createService({});
  assert.deepEqual(spec, {
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    sessionAffinity: "None",
    type: "ClusterIP",
    internalTrafficPolicy: "Cluster",
    ipFamilyPolicy: "SingleStack",
    ipFamilies: ["IPv4"],
  });
  assert.deepEqual(status, { loadBalancer: {} });
});

test("defaults of a LoadBalancer Service", () => {
  const { spec } = createService({ type: "LoadBalancer", sessionAffinity: "ClientIP" });
  assert.equal(spec?.externalTrafficPolicy, "Cluster");
  assert.equal(spec?.allocateLoadBalancerNodePorts, true);
  assert.deepEqual(spec?.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10800 } });
});

test("a headless Service without selector takes both families", () => {
  const { spec } = createService({ clusterIP: "None" });
  assert.deepEqual([spec?.ipFamilyPolicy, spec?.ipFamilies], ["RequireDualStack", ["IPv4", "IPv6"]]);
  const selecting = createService({ clusterIP: "None", selector: { a: "b" } }).spec;
  assert.deepEqual([selecting?.ipFamilyPolicy, selecting?.ipFamilies], ["SingleStack", ["IPv4"]]);
});

const refused: [name: string, spec: Record<string, unknown>, messages: string[]][] = [
  ["a valid one", {}, []],
  ["no ports", { ports: [] }, ["spec.ports: Required value"]],
  ["no ports, headless", { ports: [], clusterIP: "None" }, []],
  [
    "port out of range",
    { ports: [{ port: 70000 }] },
    [
      "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
      "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ],
  ],
  [
    "two ports without names",
    { ports: [{ port: 80 }, { port: 81 }] },
    ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
  ],
  [
    "two ports of one name",
    {
      ports: [
        { name: "a", port: 80 },
        { name: "a", port: 81 },
      ],
    },
    ['spec.ports[1].name: Duplicate value: "a"'],
  ],
  [
    "port name in capitals",
    { ports: [{ name: "Web", port: 80 }] },
    [
      "spec.ports[0].name: Invalid value: \"Web\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ],
  ],
  [
    "unknown protocol",
    { ports: [{ port: 80, protocol: "ICMP" }] },
    ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    "targetPort without a letter",
    { ports: [{ port: 80, targetPort: "8080" }] },
    ['spec.ports[0].targetPort: Invalid value: "8080": must contain at least one letter (a-z)'],
  ],
  [
    "the same port twice",
    {
      ports: [
        { name: "a", port: 80 },
        { name: "b", port: 80 },
      ],
    },
    [
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    "the same node port twice",
    {
      type: "NodePort",
      ports: [
        { name: "a", port: 80, nodePort: 30080 },
        { name: "b", port: 81, nodePort: 30080 },
      ],
    },
    ["spec.ports[1].nodePort: Invalid value: 30080: provided port is already allocated"],
  ],
  [
    "node port of a ClusterIP Service",
    { ports: [{ port: 80, nodePort: 30080 }] },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    "unknown type",
    { type: "Cluster" },
    [
      'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ],
  [
    "clusterIP that is no address",
    { clusterIP: "10.96.0" },
    [
      'spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  [
    "clusterIP with leading zeros",
    { clusterIP: "10.96.000.010" },
    ['spec.clusterIPs[0]: Invalid value: "10.96.000.010": must not have leading 0s'],
  ],
  [
    "clusterIP and clusterIPs differ",
    { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.2"] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.2"]: first value must match `clusterIP`'],
  ],
  [
    "clusterIPs alone",
    { clusterIPs: ["10.96.0.2"] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.2"]: must be empty when `clusterIP` is not specified'],
  ],
  [
    "None with another",
    { clusterIP: "None", clusterIPs: ["None", "10.96.0.2"] },
    [`spec.clusterIPs: Invalid value: ["None","10.96.0.2"]: 'None' must be the first and only value`],
  ],
  [
    "IPv6 on an IPv4 cluster",
    { clusterIP: "fd00::1" },
    ['spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster'],
  ],
  [
    "dual stack on an IPv4 cluster",
    { ipFamilyPolicy: "RequireDualStack" },
    [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  ],
  [
    "IPv6 family on an IPv4 cluster",
    { ipFamilies: ["IPv6"] },
    ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
  ],
  [
    "headless NodePort",
    { type: "NodePort", clusterIP: "None" },
    [`spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`],
  ],
  ["ExternalName without name", { type: "ExternalName", ports: [] }, ["spec.externalName: Required value"]],
  ["ExternalName with a final dot", { type: "ExternalName", ports: [], externalName: "example.com." }, []],
  [
    "ExternalName with clusterIP",
    { type: "ExternalName", externalName: "example.com", clusterIP: "10.96.0.9" },
    ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
  ],
  [
    "unknown affinity",
    { sessionAffinity: "Cookie" },
    ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
  ],
  [
    "affinity for more than a day",
    { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
    [
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400",
    ],
  ],
  [
    "external traffic policy of a ClusterIP Service",
    { externalTrafficPolicy: "Local" },
    [
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
  ],
  [
    "unknown internal traffic policy",
    { internalTrafficPolicy: "Nearest" },
    ['spec.internalTrafficPolicy: Unsupported value: "Nearest": supported values: "Cluster", "Local"'],
  ],
  [
    "health check port without need",
    { type: "NodePort", healthCheckNodePort: 30000 },
    [
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
  [
    "loopback as external IP",
    { externalIPs: ["127.0.0.1"] },
    [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
  ],
  [
    "source ranges of a ClusterIP Service, and a bad one",
    { loadBalancerSourceRanges: ["10.0.0.0/33"] },
    [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  ],
  [
    "load balancer class of a ClusterIP Service",
    { loadBalancerClass: "a.b/c" },
    ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"],
  ],
  [
    "bad selector",
    { selector: { "a/b/c": "d" } },
    [
      "spec.selector: Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ],
  ],
];
for (const [name, spec, expected] of refused)
  test(`create: ${name}`, () => assert.deepEqual(messages(createService(spec)), expected));

test("a Service's name is a DNS-1123 label: since 1.36 it may begin with a digit (KEP-5311)", () => {
  const s = createService({});
  s.metadata.name = "1web";
  assert.deepEqual(messages(s), []);
  s.metadata.name = "Web";
  assert.match(
    messages(s)[0]!,
    /^metadata\.name: Invalid value: "Web": a lowercase RFC 1123 label must consist/,
  );
});
