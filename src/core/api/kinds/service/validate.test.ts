// The rules of every field, row by row as in TestValidateServiceCreate, TestValidateServiceExternalTrafficPolicy and
// TestValidateServiceUpdate (kubernetes pkg/apis/core/validation), with the texts that clients see. The Service is as validation
// sees it: defaults set, values allocated.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldErrorMessage } from "../../status.ts";
import type { Service, ServicePort } from "../../types.ts";
import { service } from "./mod.ts";

const ctx = {
  now: "2026-01-01T00:00:00Z",
  user: { name: "admin", groups: [] },
  ipFamilies: ["IPv4", "IPv6"] as const,
};

type Spec = Record<string, unknown>;

interface Tweak {
  metadata?: Record<string, unknown>;
  spec?: Spec;
}

/** A valid Service with some fields set; undefined takes one away. */
function make({ metadata = {}, spec = {} }: Tweak): Service {
  const whole = {
    metadata: { name: "valid", namespace: "valid", labels: {}, resourceVersion: "1", ...metadata },
    spec: {
      selector: { key: "val" },
      sessionAffinity: "None",
      type: "ClusterIP",
      internalTrafficPolicy: "Cluster",
      ports: [{ name: "p", protocol: "TCP", port: 8675, targetPort: 8675 }],
      ...spec,
    } as Spec,
  };
  for (const [k, v] of Object.entries(whole.spec)) if (v === undefined) delete whole.spec[k];
  return whole as unknown as Service;
}

const port = (p: Partial<ServicePort> = {}): object => ({
  name: "p",
  protocol: "TCP",
  port: 8675,
  targetPort: 8675,
  ...p,
});
const first = port();
const q = (p: Partial<ServicePort> = {}): object => port({ name: "q", port: 12345, targetPort: 12345, ...p });
const nodePort = { type: "NodePort", externalTrafficPolicy: "Cluster" };
const lb = {
  type: "LoadBalancer",
  externalTrafficPolicy: "Cluster",
  allocateLoadBalancerNodePorts: true,
};
const local = { ...lb, externalTrafficPolicy: "Local" };
const external = { externalTrafficPolicy: "Cluster" };
const name = { type: "ExternalName", externalName: "foo.bar.example.com" };
const none = { clusterIP: "None", clusterIPs: ["None"] };
const ips = (...clusterIPs: string[]) => ({ clusterIP: clusterIPs[0], clusterIPs });
const both = ["IPv4", "IPv6"];
const required = { ipFamilyPolicy: "RequireDualStack" };
const ranges = "service.beta.kubernetes.io/load-balancer-source-ranges";
const annotated = (value: string) => ({ metadata: { annotations: { [ranges]: value } } });

const onlyLB = "may only be used when `type` is 'LoadBalancer'";
const badIP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const badCIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const onlyLocal = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
const onlyExternal = "may only be set for externally-accessible services";
const portRange = "must be between 1 and 65535, inclusive";

const creates: [name: string, tweak: Tweak, errors: string[]][] = [
  ["default", {}, []],
  ["no selector", { spec: { selector: undefined } }, []],
  ["no session affinity", { spec: { sessionAffinity: "" } }, ["spec.sessionAffinity: Required value"]],
  ["no type", { spec: { type: "" } }, ["spec.type: Required value"]],
  [
    "unknown type",
    { spec: { type: "Cluster" } },
    [
      'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ],
  ["no ports", { spec: { ports: undefined } }, ["spec.ports: Required value"]],
  ["no ports, headless", { spec: { ports: undefined, ...none } }, []],
  ["no ports, ExternalName", { spec: { ...name, ports: undefined } }, []],
  ["one port without a name", { spec: { ports: [port({ name: "" })] } }, []],
  [
    "second port without a name",
    { spec: { ports: [first, q({ name: "" })] } },
    ["spec.ports[1].name: Required value"],
  ],
  [
    "first of two without a name",
    { spec: { ports: [port({ name: "" }), q()] } },
    ["spec.ports[0].name: Required value"],
  ],
  [
    "port name in capitals",
    { spec: { ports: [port({ name: "INVALID" })] } },
    [`spec.ports[0].name: Invalid value: "INVALID": ${label}`],
  ],
  [
    "port name too long",
    { spec: { ports: [port({ name: "a".repeat(64) })] } },
    [`spec.ports[0].name: Invalid value: "${"a".repeat(64)}": must be no more than 63 characters`],
  ],
  [
    "two ports of one name",
    { spec: { ports: [first, q({ name: "p" })] } },
    ['spec.ports[1].name: Duplicate value: "p"'],
  ],
  [
    "no protocol",
    { spec: { ports: [port({ protocol: "" as "TCP" })] } },
    ["spec.ports[0].protocol: Required value"],
  ],
  [
    "unknown protocol",
    { spec: { ports: [port({ protocol: "INVALID" as "TCP" })] } },
    ['spec.ports[0].protocol: Unsupported value: "INVALID": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    "port 0",
    { spec: { ports: [port({ port: 0 })] } },
    [`spec.ports[0].port: Invalid value: 0: ${portRange}`],
  ],
  [
    "port 65536",
    { spec: { ports: [port({ port: 65536 })] } },
    [`spec.ports[0].port: Invalid value: 65536: ${portRange}`],
  ],
  [
    "targetPort 65536",
    { spec: { ports: [port({ targetPort: 65536 })] } },
    [`spec.ports[0].targetPort: Invalid value: 65536: ${portRange}`],
  ],
  ["named targetPort", { spec: { ports: [port({ targetPort: "http" })] } }, []],
  [
    "named targetPort too long",
    { spec: { ports: [port({ targetPort: "a-very-long-name" })] } },
    ['spec.ports[0].targetPort: Invalid value: "a-very-long-name": must be no more than 15 characters'],
  ],
  [
    "named targetPort with two hyphens together",
    { spec: { ports: [port({ targetPort: "a--b" })] } },
    ['spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens'],
  ],
  ["other targetPort, headless", { spec: { ...none, ports: [port({ targetPort: 11721 })] } }, []],
  ["named targetPort, headless", { spec: { ...none, ports: [port({ targetPort: "target" })] } }, []],
  ["appProtocol", { spec: { ports: [port({ appProtocol: "HTTP" })] } }, []],
  ["appProtocol with a domain", { spec: { ports: [port({ appProtocol: "example.com/protocol" })] } }, []],
  [
    "wrong appProtocol",
    { spec: { ports: [port({ appProtocol: "example.com/protocol_with{invalid}[characters]" })] } },
    [
      `spec.ports[0].appProtocol: Invalid value: "example.com/protocol_with{invalid}[characters]": ${qualified}`,
    ],
  ],
  [
    "one port twice",
    { spec: { ports: [first, q(), q({ name: "r", targetPort: 80 })] } },
    [
      'spec.ports[2]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":12345,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    "one number, three protocols",
    { spec: { ports: [first, q(), q({ name: "r", protocol: "UDP" }), q({ name: "s", protocol: "SCTP" })] } },
    [],
  ],
  [
    "a node port twice",
    { spec: { ...nodePort, ports: [first, q({ nodePort: 1 }), q({ name: "r", port: 2, nodePort: 1 })] } },
    // The allocator meets it before validation does.
    ["spec.ports[2].nodePort: Invalid value: 1: provided port is already allocated"],
  ],
  [
    "a node port twice, of one port number",
    { spec: { ...nodePort, ports: [q({ nodePort: 1 }), q({ name: "r", nodePort: 1 })] } },
    [
      "spec.ports[1].nodePort: Duplicate value: 1",
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":12345,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    "a node port shared by two protocols of one number",
    { spec: { ...nodePort, ports: [q({ nodePort: 1 }), q({ name: "r", protocol: "UDP", nodePort: 1 })] } },
    [],
  ],
  [
    "node port of a ClusterIP Service",
    { spec: { ports: [first, q({ nodePort: 12345 })] } },
    ["spec.ports[1].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    "NodePort with and without a number",
    { spec: { ...nodePort, ports: [first, q({ nodePort: 12345 })] } },
    [],
  ],
  [
    "NodePort, no clusterIP",
    { spec: { ...nodePort, ...none } },
    ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
  ],
  ["LoadBalancer", { spec: lb }, []],
  ["LoadBalancer of two protocols", { spec: { ...lb, ports: [first, q({ protocol: "UDP" })] } }, []],
  ["LoadBalancer with a node port", { spec: { ...lb, ports: [q({ nodePort: 12345 })] } }, []],
  ["LoadBalancer of the kubelet's port", { spec: { ...lb, ports: [q({ port: 10250 })] } }, []],
  [
    "LoadBalancer, no clusterIP",
    { spec: { ...lb, ...none } },
    ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services"],
  ],
  ["LoadBalancer without node ports", { spec: { ...lb, allocateLoadBalancerNodePorts: false } }, []],
  [
    "LoadBalancer that does not say",
    { spec: { ...lb, allocateLoadBalancerNodePorts: undefined } },
    ["allocateLoadBalancerNodePorts: Required value"],
  ],
  [
    "allocateLoadBalancerNodePorts of a ClusterIP Service",
    { spec: { allocateLoadBalancerNodePorts: true } },
    [`spec.allocateLoadBalancerNodePorts: Forbidden: ${onlyLB}`],
  ],
  ["loadBalancerClass", { spec: { ...lb, loadBalancerClass: "test.com/test-load-balancer-class" } }, []],
  [
    "loadBalancerClass with capitals in its domain",
    { spec: { ...lb, loadBalancerClass: "Bad/LoadBalancerClass" } },
    [`spec.loadBalancerClass: Invalid value: "Bad/LoadBalancerClass": prefix part ${subdomain}`],
  ],
  [
    "loadBalancerClass of a ClusterIP Service",
    { spec: { loadBalancerClass: "test.com/test-load-balancer-class" } },
    [`spec.loadBalancerClass: Forbidden: ${onlyLB}`],
  ],
  ["source ranges", { spec: { ...lb, loadBalancerSourceRanges: ["1.2.3.0/24", "5.6.0.0/16"] } }, []],
  [
    "source ranges with blanks",
    { spec: { ...lb, loadBalancerSourceRanges: ["1.2.3.0/24  ", " 5.6.0.0/16"] } },
    [],
  ],
  ...(
    [
      ["   ", "", badCIDR],
      ["foo.bar", "foo.bar", badCIDR],
      ["1.2.3.4/33", "1.2.3.4/33", badCIDR],
      ["001.002.003.000/24", "001.002.003.000/24", "must not have leading 0s in IP or prefix length"],
      ["1.2.3.4/24", "1.2.3.4/24", "must not have bits set beyond the prefix length"],
      ["::ffff:1.2.3.0/120", "::ffff:1.2.3.0/120", "must not have an IPv4-mapped IPv6 address"],
    ] as const
  ).flatMap(([value, shown, why]): [string, Tweak, string[]][] => [
    [
      `source range ${JSON.stringify(value)}`,
      { spec: { ...lb, loadBalancerSourceRanges: [value] } },
      [`spec.LoadBalancerSourceRanges[0]: Invalid value: ${JSON.stringify(shown)}: ${why}`],
    ],
    [
      `source range annotation ${JSON.stringify(value)}`,
      { ...annotated(value), spec: lb },
      shown === ""
        ? []
        : [`metadata.annotations[${ranges}]: Invalid value: ${JSON.stringify(shown)}: ${why}`],
    ],
  ]),
  ["source range annotation", { ...annotated("1.2.3.0/24,  5.6.0.0/16"), spec: lb }, []],
  ["empty source range annotation", { ...annotated(""), spec: lb }, []],
  [
    "wrong source range annotation beside the field",
    { ...annotated("foo.bar"), spec: { ...lb, loadBalancerSourceRanges: ["1.2.3.0/24"] } },
    [],
  ],
  [
    "source ranges of a ClusterIP Service",
    { spec: { loadBalancerSourceRanges: ["1.2.3.0/24", "5.6.0.0/16"] } },
    [`spec.LoadBalancerSourceRanges: Forbidden: ${onlyLB}`],
  ],
  [
    "source range annotation of a ClusterIP Service",
    annotated("1.2.3.0/24"),
    [`metadata.annotations[${ranges}]: Forbidden: ${onlyLB}`],
  ],
  [
    "empty source range annotation of a ClusterIP Service",
    annotated(""),
    [`metadata.annotations[${ranges}]: Forbidden: ${onlyLB}`],
  ],
  ["ExternalName", { spec: name }, []],
  ["ExternalName with a final dot", { spec: { ...name, externalName: "foo.bar.example.com." } }, []],
  [
    "ExternalName without a name",
    { spec: { ...name, externalName: "" } },
    ["spec.externalName: Required value"],
  ],
  ["ExternalName of a dot", { spec: { ...name, externalName: "." } }, ["spec.externalName: Required value"]],
  [
    "ExternalName that is no DNS name",
    { spec: { ...name, externalName: "-123" } },
    [`spec.externalName: Invalid value: "-123": ${subdomain}`],
  ],
  [
    "ExternalName with clusterIP",
    { spec: { ...name, ...ips("1.2.3.4") } },
    ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
  ],
  [
    "ExternalName, headless",
    { spec: { ...name, ...none } },
    ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
  ],
  [
    "ExternalName with families",
    { spec: { ...name, ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" } },
    [
      "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
      "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
    ],
  ],
  ["ExternalName without internalTrafficPolicy", { spec: { ...name, internalTrafficPolicy: undefined } }, []],
  [
    "ExternalName with externalTrafficPolicy",
    { spec: { ...name, externalTrafficPolicy: "Local" } },
    [`spec.externalTrafficPolicy: Invalid value: "Local": ${onlyExternal}`],
  ],
  [
    "no internalTrafficPolicy",
    { spec: { internalTrafficPolicy: undefined } },
    ["spec.internalTrafficPolicy: Required value"],
  ],
  [
    "unknown internalTrafficPolicy",
    { spec: { internalTrafficPolicy: "invalid" } },
    ['spec.internalTrafficPolicy: Unsupported value: "invalid": supported values: "Cluster", "Local"'],
  ],
  ["internalTrafficPolicy Local", { spec: { internalTrafficPolicy: "Local" } }, []],
  [
    "unknown externalTrafficPolicy",
    { spec: { ...lb, externalTrafficPolicy: "invalid" } },
    ['spec.externalTrafficPolicy: Unsupported value: "invalid": supported values: "Cluster", "Local"'],
  ],
  [
    "NodePort without externalTrafficPolicy",
    { spec: { type: "NodePort" } },
    ["spec.externalTrafficPolicy: Required value"],
  ],
  [
    "LoadBalancer without externalTrafficPolicy",
    { spec: { ...lb, externalTrafficPolicy: undefined } },
    ["spec.externalTrafficPolicy: Required value"],
  ],
  [
    "externalIPs without externalTrafficPolicy",
    { spec: { externalIPs: ["1.2.3.4"] } },
    ["spec.externalTrafficPolicy: Required value"],
  ],
  ["NodePort, policy Local", { spec: { type: "NodePort", externalTrafficPolicy: "Local" } }, []],
  ["LoadBalancer, policy Local, with its port", { spec: { ...local, healthCheckNodePort: 34567 } }, []],
  [
    "negative healthCheckNodePort",
    { spec: { ...local, healthCheckNodePort: -1 } },
    [`spec.healthCheckNodePort: Invalid value: -1: ${portRange}`],
  ],
  [
    "healthCheckNodePort, policy Cluster",
    { spec: { ...lb, healthCheckNodePort: 34567 } },
    [`spec.healthCheckNodePort: Invalid value: 34567: ${onlyLocal}`],
  ],
  [
    "healthCheckNodePort of a NodePort Service",
    { spec: { type: "NodePort", externalTrafficPolicy: "Local", healthCheckNodePort: 34567 } },
    [`spec.healthCheckNodePort: Invalid value: 34567: ${onlyLocal}`],
  ],
  [
    "both of a ClusterIP Service",
    { spec: { externalTrafficPolicy: "Local", healthCheckNodePort: 34567 } },
    [
      `spec.externalTrafficPolicy: Invalid value: "Local": ${onlyExternal}`,
      `spec.healthCheckNodePort: Invalid value: 34567: ${onlyLocal}`,
    ],
  ],
  [
    "unknown session affinity",
    { spec: { sessionAffinity: "Cookie" } },
    ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
  ],
  ...([-1, 0, 86401] as const).map((timeoutSeconds): [string, Tweak, string[]] => [
    `affinity for ${timeoutSeconds} s`,
    { spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds } } } },
    [
      `spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: ${timeoutSeconds}: must be greater than 0 and less than 86400`,
    ],
  ]),
  [
    "affinity for a day",
    { spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 86400 } } } },
    [],
  ],
  [
    "affinity without its config",
    { spec: { sessionAffinity: "ClientIP" } },
    ["spec.sessionAffinityConfig: Required value: when session affinity type is ClientIP"],
  ],
  [
    "affinity with an empty config",
    { spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: {} } },
    ["spec.sessionAffinityConfig.clientIP: Required value: when session affinity type is ClientIP"],
  ],
  [
    "no affinity, but its config",
    { spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 90 } } } },
    ["spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None"],
  ],
  ...(
    [
      ["127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
      ["0.0.0.0", "may not be unspecified (0.0.0.0)"],
      ["169.254.0.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
      ["224.0.0.1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
      ["myhost.mydomain", badIP],
      ["001.002.003.004", "must not have leading 0s"],
      ["::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address"],
    ] as const
  ).map(([ip, why]): [string, Tweak, string[]] => [
    `externalIPs ${ip}`,
    { spec: { ...external, externalIPs: [ip] } },
    [`spec.externalIPs[0]: Invalid value: ${JSON.stringify(ip)}: ${why}`],
  ]),
  ["externalIPs", { spec: { ...external, externalIPs: ["1.2.3.4", "2001:db8::1"] } }, []],
  [
    "unknown family",
    { spec: { ipFamilies: ["IPv5"] } },
    ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
  ],
  [
    "unknown policy",
    { spec: { ipFamilyPolicy: "Any" } },
    [
      'spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
  ],
  [
    "a family twice",
    { spec: { ...required, ipFamilies: ["IPv6", "IPv6"] } },
    ['spec.ipFamilies[1]: Duplicate value: "IPv6"'],
  ],
  [
    "three families",
    { spec: { ...required, ipFamilies: [...both, "IPv4"] } },
    ['spec.ipFamilies[2]: Duplicate value: "IPv4"'],
  ],
  ["both families", { spec: { ...required, ipFamilies: both } }, []],
  ["IPv6 alone", { spec: { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv6"], ...ips("2001::1") } }, []],
  [
    "an address and families that do not fit",
    { spec: { ...ips("10.0.0.1"), ipFamilies: ["IPv6"] } },
    ['spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  ],
  [
    "an IPv6 address for IPv4",
    { spec: { ...ips("2001::1"), ipFamilies: ["IPv4"] } },
    ['spec.clusterIPs[0]: Invalid value: "2001::1": expected an IPv4 value as indicated by `ipFamilies[0]`'],
  ],
  [
    "clusterIP that is none",
    { spec: ips("garbage") },
    [`spec.clusterIPs[0]: Invalid value: "garbage": ${badIP}`],
  ],
  [
    "clusterIP with leading zeros",
    { spec: ips("001.002.003.004") },
    ['spec.clusterIPs[0]: Invalid value: "001.002.003.004": must not have leading 0s'],
  ],
  [
    "two that are none",
    { spec: { ...required, ...ips("garbage", "more") } },
    [
      `spec.clusterIPs[0]: Invalid value: "garbage": ${badIP}`,
      `spec.clusterIPs[1]: Invalid value: "more": ${badIP}`,
    ],
  ],
  [
    "None and an address",
    { spec: { ...required, ...ips("None", "2001::1") } },
    ['spec.clusterIPs: Invalid value: ["None","2001::1"]: \'None\' must be the first and only value'],
  ],
  [
    "an address and None",
    { spec: { ...required, ...ips("2001::1", "None") } },
    [`spec.clusterIPs[1]: Invalid value: "None": ${badIP}`],
  ],
  [
    "nothing and an address",
    { spec: { ...required, ...ips("", "2001::1") } },
    [
      'spec.clusterIPs: Invalid value: ["","2001::1"]: must be empty when `clusterIP` is not specified',
      `spec.clusterIPs[0]: Invalid value: "": ${badIP}`,
    ],
  ],
  [
    "two of one family",
    { spec: { ...required, ...ips("10.0.0.1", "10.0.0.10") } },
    [
      'spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.10"]: may specify no more than one IP for each IP family',
    ],
  ],
  [
    "three addresses",
    { spec: { ...required, ...ips("10.0.0.1", "2001::1", "10.0.0.10"), ipFamilies: both } },
    ['spec.clusterIPs: Invalid value: ["10.0.0.1","2001::1","10.0.0.10"]: may only hold up to 2 values'],
  ],
  ["two addresses", { spec: { ...required, ...ips("2001::1", "10.0.0.1") } }, []],
  [
    "clusterIP is not the first",
    { spec: { clusterIP: "10.0.0.10", clusterIPs: ["10.0.0.1"] } },
    ['spec.clusterIPs: Invalid value: ["10.0.0.1"]: first value must match `clusterIP`'],
  ],
  ["clusterIP alone", { spec: { clusterIP: "10.0.0.10" } }, ["spec.clusterIPs: Required value"]],
  [
    "topology annotations that differ",
    {
      metadata: {
        annotations: {
          "service.kubernetes.io/topology-aware-hints": "original",
          "service.kubernetes.io/topology-mode": "different",
        },
      },
    },
    [
      'metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "different": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified',
    ],
  ],
  ...["PreferClose", "PreferSameZone", "PreferSameNode"].map(
    (trafficDistribution): [string, Tweak, string[]] => [
      `trafficDistribution ${trafficDistribution}`,
      { spec: { trafficDistribution } },
      [],
    ],
  ),
  [
    "unknown trafficDistribution",
    { spec: { trafficDistribution: "Random" } },
    [
      'spec.trafficDistribution: Unsupported value: "Random": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
  ],
  ["no namespace", { metadata: { namespace: "" } }, ["metadata.namespace: Required value"]],
  [
    "bad namespace",
    { metadata: { namespace: "-123" } },
    [`metadata.namespace: Invalid value: "-123": ${label}`],
  ],
  [
    "no name",
    { metadata: { name: "" } },
    ["metadata.name: Required value: name or generateName is required"],
  ],
  ["bad name", { metadata: { name: "-123" } }, [`metadata.name: Invalid value: "-123": ${label}`]],
  [
    "long name",
    { metadata: { name: "a".repeat(64) } },
    [`metadata.name: Invalid value: "${"a".repeat(64)}": must be no more than 63 characters`],
  ],
  ["a digit first", { metadata: { name: "1-test-service" } }, []],
  [
    "bad generateName",
    { metadata: { generateName: "-123" } },
    [`metadata.generateName: Invalid value: "-123": ${label}`],
  ],
];
describe("create", () => {
  for (const [title, tweak, errors] of creates)
    test(title, () => assert.deepEqual(service.validate!(make(tweak), ctx).map(fieldErrorMessage), errors));
});

const clusterIP = ips("1.2.3.4");
const single = { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"] };
const dual = { ...required, ipFamilies: both };
const once = "may not change once set";
const lbClass = (loadBalancerClass: string | undefined) => ({ ...lb, loadBalancerClass });
const badClass = `spec.loadBalancerClass: Forbidden: ${onlyLB}`;

const updates: [name: string, old: Tweak, now: Tweak, errors: string[]][] = [
  ["nothing", {}, {}, []],
  [
    "another name",
    {},
    { metadata: { name: "valid2" } },
    ['metadata.name: Invalid value: "valid2": field is immutable'],
  ],
  [
    "another namespace",
    {},
    { metadata: { namespace: "valid2" } },
    ['metadata.namespace: Invalid value: "valid2": field is immutable'],
  ],
  ["labels", {}, { metadata: { labels: { key: "other-value" } } }, []],
  [
    "another clusterIP",
    { spec: clusterIP },
    { spec: ips("8.6.7.5") },
    [`spec.clusterIPs[0]: Invalid value: ["8.6.7.5"]: ${once}`],
  ],
  [
    "no clusterIP",
    { spec: clusterIP },
    { spec: {} },
    ["spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset"],
  ],
  ["a first clusterIP", {}, { spec: clusterIP }, []],
  [
    "None to an address",
    { spec: none },
    { spec: clusterIP },
    [`spec.clusterIPs[0]: Invalid value: ["1.2.3.4"]: ${once}`],
  ],
  [
    "None to nothing",
    { spec: none },
    { spec: {} },
    ["spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset"],
  ],
  [
    "an address to None",
    { spec: clusterIP },
    { spec: none },
    [`spec.clusterIPs[0]: Invalid value: ["None"]: ${once}`],
  ],
  ...(
    [
      ["ClusterIP", {}],
      ["NodePort", nodePort],
      ["LoadBalancer", lb],
    ] as const
  ).flatMap(([from, was], _, types): [string, Tweak, Tweak, string[]][] =>
    types.flatMap(([to, now]): [string, Tweak, Tweak, string[]][] => [
      [`${from} to ${to}`, { spec: { ...was, ...clusterIP } }, { spec: { ...now, ...clusterIP } }, []],
      [
        `${from} to ${to}, another address`,
        { spec: { ...was, ...clusterIP } },
        { spec: { ...now, ...ips("1.2.3.5") } },
        [`spec.clusterIPs[0]: Invalid value: ["1.2.3.5"]: ${once}`],
      ],
      [`${from} to ${to}, a first address`, { spec: was }, { spec: { ...now, ...clusterIP } }, []],
    ]),
  ),
  ["from ExternalName, whatever address", { spec: { ...name, ...clusterIP } }, { spec: ips("1.2.3.5") }, []],
  ["to ExternalName", { spec: { ...clusterIP, ...single } }, { spec: name }, []],
  [
    "to ExternalName, the address stays",
    { spec: { ...clusterIP, ...single } },
    { spec: { ...name, ...clusterIP, ...single } },
    [
      "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
      "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
      "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
    ],
  ],
  [
    "affinity",
    {},
    { spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 90 } } } },
    [],
  ],
  ["no affinity", {}, { spec: { sessionAffinity: "" } }, ["spec.sessionAffinity: Required value"]],
  ["no type", {}, { spec: { type: "" } }, ["spec.type: Required value"]],
  [
    "node ports from now on not given out",
    { spec: lb },
    { spec: { ...lb, allocateLoadBalancerNodePorts: false } },
    [],
  ],
  [
    "node ports from now on given out",
    { spec: { ...lb, allocateLoadBalancerNodePorts: false } },
    { spec: lb },
    [],
  ],
  [
    "allocateLoadBalancerNodePorts of a ClusterIP Service",
    {},
    { spec: { allocateLoadBalancerNodePorts: true } },
    [`spec.allocateLoadBalancerNodePorts: Forbidden: ${onlyLB}`],
  ],
  ["appProtocol", {}, { spec: { ports: [port({ appProtocol: "https" })] } }, []],
  [
    "wrong appProtocol",
    {},
    { spec: { ports: [port({ appProtocol: "~https" })] } },
    [`spec.ports[0].appProtocol: Invalid value: "~https": ${qualified}`],
  ],
  [
    "a node port twice",
    { spec: nodePort },
    { spec: { ...nodePort, ports: [first, q({ nodePort: 1 }), q({ name: "r", port: 2, nodePort: 1 })] } },
    ["spec.ports[2].nodePort: Duplicate value: 1"],
  ],
  ["the class stays", { spec: lbClass("test.com/old") }, { spec: lbClass("test.com/old") }, []],
  [
    "another class",
    { spec: lbClass("test.com/old") },
    { spec: lbClass("test.com/new") },
    [`spec.loadBalancerClass: Invalid value: "test.com/new": ${once}`],
  ],
  [
    "no class",
    { spec: lbClass("test.com/old") },
    { spec: lb },
    [`spec.loadBalancerClass: Invalid value: null: ${once}`],
  ],
  [
    "a class",
    { spec: lb },
    { spec: lbClass("test.com/new") },
    [`spec.loadBalancerClass: Invalid value: "test.com/new": ${once}`],
  ],
  ["to LoadBalancer with a class", {}, { spec: lbClass("test.com/new") }, []],
  [
    "to LoadBalancer with a wrong class",
    {},
    { spec: lbClass("Bad/Class") },
    [`spec.loadBalancerClass: Invalid value: "Bad/Class": prefix part ${subdomain}`],
  ],
  ["a class of another type", {}, { spec: { loadBalancerClass: "test.com/x" } }, [badClass]],
  [
    "from LoadBalancer, the class stays",
    { spec: lbClass("test.com/x") },
    { spec: { loadBalancerClass: "test.com/x" } },
    [badClass],
  ],
  ["internalTrafficPolicy", {}, { spec: { internalTrafficPolicy: "Local" } }, []],
  [
    "healthCheckNodePort stays",
    { spec: { ...local, healthCheckNodePort: 30001 } },
    { spec: { ...local, healthCheckNodePort: 30001 } },
    [],
  ],
  [
    "another healthCheckNodePort",
    { spec: { ...local, healthCheckNodePort: 30001 } },
    { spec: { ...local, healthCheckNodePort: 30002 } },
    ["spec.healthCheckNodePort: Forbidden: field is immutable"],
  ],
  [
    "policy Local from now on, with a port",
    { spec: lb },
    { spec: { ...local, healthCheckNodePort: 30002 } },
    [],
  ],
  [
    "another clusterIP with leading zeros",
    { spec: ips("1.2.3.04") },
    { spec: ips("1.2.3.04"), metadata: { labels: { a: "b" } } },
    [],
  ],
  [
    "externalIPs with leading zeros stay",
    { spec: { ...external, externalIPs: ["1.2.3.04"] } },
    { spec: { ...external, externalIPs: ["5.6.7.8", "1.2.3.04"] } },
    [],
  ],
  [
    "externalIPs with leading zeros come",
    { spec: external },
    { spec: { ...external, externalIPs: ["1.2.3.04"] } },
    ['spec.externalIPs[0]: Invalid value: "1.2.3.04": must not have leading 0s'],
  ],
  [
    "a source range with leading zeros stays",
    { spec: { ...lb, loadBalancerSourceRanges: ["010.0.0.0/8 "] } },
    {
      spec: { ...lb, loadBalancerSourceRanges: ["1.2.3.0/24", "010.0.0.0/8"] },
    },
    [],
  ],
  [
    "a source range with leading zeros comes",
    { spec: lb },
    { spec: { ...lb, loadBalancerSourceRanges: ["010.0.0.0/8"] } },
    [
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length',
    ],
  ],
  [
    "a wrong annotation stays",
    { ...annotated("010.0.0.0/8"), spec: lb },
    { ...annotated("010.0.0.0/8"), spec: lb },
    [],
  ],
  [
    "a wrong annotation is put right",
    { ...annotated("010.0.0.0/8"), spec: lb },
    { ...annotated("10.0.0.0/8"), spec: lb },
    [],
  ],
  [
    "a wrong annotation grows",
    { ...annotated("010.0.0.0/8"), spec: lb },
    { ...annotated("010.0.0.0/8, 1.2.3.0/24"), spec: lb },
    [
      `metadata.annotations[${ranges}]: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length`,
    ],
  ],
  [
    "a second address",
    { spec: { ...clusterIP, ...single } },
    { spec: { ...ips("1.2.3.4", "2001:db8::4"), ...dual } },
    [],
  ],
  [
    "a second address and another first",
    { spec: { ...clusterIP, ...single } },
    { spec: { ...ips("1.2.3.5"), ...dual } },
    [`spec.clusterIPs[0]: Invalid value: ["1.2.3.5"]: ${once}`],
  ],
  [
    "the second address goes",
    { spec: { ...ips("1.2.3.4", "2001:db8::4"), ...dual } },
    { spec: { ...clusterIP, ...single } },
    [],
  ],
  [
    "the second address goes and another first",
    { spec: { ...ips("1.2.3.4", "2001:db8::4"), ...dual } },
    { spec: { ...ips("1.2.3.5"), ...single } },
    [`spec.clusterIPs[0]: Invalid value: ["1.2.3.5"]: ${once}`],
  ],
];
describe("update", () => {
  for (const [title, old, now, errors] of updates)
    test(title, () =>
      assert.deepEqual(service.validateUpdate!(make(now), make(old), ctx).map(fieldErrorMessage), errors),
    );
});
