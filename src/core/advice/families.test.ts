// What is said of a Service with two address families, or with the second one only.
import assert from "node:assert/strict";
import { test } from "node:test";
import { makePod } from "../../../test/support/pod-objects.ts";
import type { EndpointSlice, ServiceSpec } from "../api/types.ts";
import { adviseService } from "./mod.ts";

const both = ["IPv4", "IPv6"];
const slice: EndpointSlice = {
  metadata: { name: "s-1", namespace: "default" },
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.0.0.1"], nodeName: "node-1", conditions: { ready: true } }],
};

const rows: [name: string, spec: Partial<ServiceSpec>, slices: EndpointSlice[], findings: string[]][] = [
  [
    "ranges without the host's address of the second family",
    {
      type: "LoadBalancer",
      selector: { app: "web" },
      ipFamilies: both,
      loadBalancerSourceRanges: ["172.30.0.0/24", "2001:db8::/32"],
    },
    [],
    [
      "SourceRangesExcludeHost advice spec.loadBalancerSourceRanges: fd00:172:30::1, this cluster's host, is in none of them and will not be answered",
    ],
  ],
  [
    "ranges of one family only",
    {
      type: "LoadBalancer",
      selector: { app: "web" },
      ipFamilies: both,
      loadBalancerSourceRanges: ["172.30.0.0/24"],
    },
    [],
    [
      "SourceRangesOpen advice spec.loadBalancerSourceRanges: none of them is of IPv6, so everybody is answered over it",
    ],
  ],
  [
    "ranges with the host's address of the only family",
    {
      type: "LoadBalancer",
      selector: { app: "web" },
      ipFamilies: ["IPv6"],
      loadBalancerSourceRanges: ["fd00:172:30::/64"],
    },
    [],
    [],
  ],
  [
    "no selector, endpoints of one family",
    { clusterIP: "10.96.0.50", clusterIPs: ["10.96.0.50", "fd00:10:96::50"], ipFamilies: both },
    [slice],
    [
      "NoEndpoints advice it has no selector, and no EndpointSlice of addressType IPv6 has a ready endpoint: fd00:10:96::50 refuses connections",
    ],
  ],
  [
    "no selector, endpoints of the other family only",
    { clusterIP: "fd00:10:96::50", clusterIPs: ["fd00:10:96::50"], ipFamilies: ["IPv6"] },
    [slice],
    ["NoEndpoints error it has no selector, and no EndpointSlice of it has a ready endpoint"],
  ],
  [
    "no selector, headless, endpoints of one family",
    { clusterIP: "None", clusterIPs: ["None"], ipFamilies: both },
    [slice],
    [],
  ],
];
for (const [name, spec, slices, findings] of rows)
  test(`advice: ${name}`, () =>
    assert.deepEqual(
      adviseService({
        service: {
          metadata: { name: "web", namespace: "default" },
          spec: { type: "ClusterIP", ports: [{ port: 80, targetPort: 8080 }], ...spec },
        },
        pods: [makePod("a", { ports: [{ name: "http", port: 8080 }] })],
        templates: [],
        slices,
        sharing: [],
        nodes: ["node-1"],
        hosts: ["172.30.0.1", "fd00:172:30::1"],
        probeFailure: () => undefined,
        surroundings: () => undefined,
      }).map((f) => `${f.reason} ${f.severity} ${f.message}`),
      findings,
    ));
