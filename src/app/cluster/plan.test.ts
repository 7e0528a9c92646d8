import assert from "node:assert/strict";
import { test } from "node:test";
import {
  apiUrl,
  changedOption,
  type Plan,
  type PlanOptions,
  planCluster,
  type Surroundings,
} from "./plan.ts";

const alone: Surroundings = {
  taken: [],
  others: [],
  foreignIndexes: [],
  netns: "net:[1]",
  portInUse: () => false,
};

function plan(options: Partial<PlanOptions> = {}, around: Partial<Surroundings> = {}): Plan {
  const result = planCluster({ name: "portolan", nodes: 1, ...options }, { ...alone, ...around });
  assert.ok(result.ok, result.ok ? "" : result.message);
  return result.plan;
}

function refusal(options: Partial<PlanOptions>, around: Partial<Surroundings> = {}): string {
  const result = planCluster({ name: "portolan", nodes: 1, ...options }, { ...alone, ...around });
  assert.ok(!result.ok);
  return result.message;
}

test("the first cluster has the documented addresses", () => {
  const { cluster, nodes, gateway } = plan({ nodes: 2 });
  assert.equal(gateway, "172.30.0.1");
  assert.deepEqual(nodes, [
    { name: "node-1", address: "172.30.0.2", podCIDR: "10.244.0.0/24" },
    { name: "node-2", address: "172.30.0.3", podCIDR: "10.244.1.0/24" },
  ]);
  assert.equal(cluster.serviceCIDR, "10.96.0.0/16");
  assert.equal(cluster.dnsAddress, "10.96.0.10");
  assert.equal(cluster.apiServiceAddress, "10.96.0.1");
  assert.equal(cluster.loadBalancerCIDR, "172.30.200.0/24");
  assert.deepEqual(cluster.apiServer, { host: "172.30.0.1", port: 6443 });
});

test("a second cluster stands beside the first", () => {
  const first = plan();
  const second = plan({ name: "two" }, { others: [first] });
  assert.equal(second.index, 1);
  assert.equal(second.cluster.nodeCIDR, "172.30.1.0/24");
  assert.equal(second.cluster.apiServer.port, 6444);
});

test("clusters in other network namespaces share ranges but not numbers", () => {
  const other = { ...plan(), netns: "net:[2]" };
  assert.equal(plan({ name: "two", serviceCIDR: "10.96.0.0/16" }, { others: [other] }).index, 1);
});

test("a cluster of another state directory keeps its number and ranges", () => {
  const taken = [{ range: "172.30.0.0/24", what: "the route 172.30.0.0/24 dev ptl0" }];
  const two = plan({ name: "two" }, { taken, foreignIndexes: [0] });
  assert.equal(two.index, 1);
  assert.equal(two.cluster.nodeCIDR, "172.30.1.0/24");
});

test("zones are dealt out in turn; external addresses are asked for", () => {
  const { cluster, nodes } = plan({ nodes: 3, zones: ["a", "b"], allowExternalIPs: true });
  assert.deepEqual(
    nodes.map((n) => n.zone),
    ["a", "b", "a"],
  );
  assert.equal(cluster.allowExternalIPs, true);
  const again = (o: Partial<PlanOptions>) =>
    changedOption({ name: "portolan", nodes: 3, ...o }, plan({ nodes: 3, zones: ["a", "b"] }));
  assert.equal(again({}), undefined);
  assert.equal(again({ zones: ["a", "b"] }), undefined);
  assert.match(again({ zones: ["b", "a"] })!, /has --zones a,b, not b,a; first: portolan down/);
  assert.match(again({ allowExternalIPs: true })!, /has --allow-external-ips false, not true/);
});

const refusals: [string, Partial<PlanOptions>, Partial<Surroundings>, RegExp][] = [
  ["a name that is no label", { name: "Über" }, {}, /--name: expected .* got "Über"/],
  [
    "zones without a name",
    { nodes: 2, zones: ["a", ""] },
    {},
    /--zones: expected names such as a,b .* got "a,"/,
  ],
  ["a zone twice", { nodes: 2, zones: ["a", "a"] }, {}, /--zones: expected different names, got "a,a"/],
  ["more zones than nodes", { zones: ["a", "b"] }, {}, /--zones: expected at most .* nodes \(1\), got 2/],
  ["no nodes", { nodes: 0 }, {}, /--nodes: expected a whole number from 1 to 10, got 0/],
  ["nodes that are no number", { nodes: Number.NaN }, {}, /--nodes: expected/],
  ["a range with a host part", { podCIDR: "10.244.0.1/16" }, {}, /--pod-cidr: expected an IPv4 range/],
  ["octal digits", { podCIDR: "010.1.0.0/16" }, {}, /--pod-cidr: expected/],
  ["a range too small", { serviceCIDR: "10.96.0.0/30" }, {}, /--service-cidr: expected .* at most \/28/],
  [
    "more nodes than the node range has addresses for",
    { nodeCIDR: "172.31.0.0/30", nodes: 2 },
    {},
    /--node-cidr 172.31.0.0\/30 has room for 1 nodes, expected 2/,
  ],
  [
    "more nodes than the pod range has /24s",
    { podCIDR: "10.1.0.0/23", nodes: 3 },
    {},
    /--pod-cidr 10.1.0.0\/23 has room for 2 nodes, expected 3/,
  ],
  ["IPv6 in IPv4", { serviceCIDR: "fd00::/112" }, {}, /--service-cidr: expected an IPv4 range/],
  [
    "IPv4 in IPv6",
    { ipFamily: "ipv6", serviceCIDR: "10.96.0.0/16" },
    {},
    /--service-cidr: expected an IPv6 range such as fd00:10:96::\/112, at most \/124, got "10.96.0.0\/16"/,
  ],
  [
    "two ranges of one family",
    { ipFamily: "dual", podCIDR: "10.1.0.0/16,10.2.0.0/16" },
    {},
    /--pod-cidr: expected an IPv4 range .*; or an IPv6 range .*; or both with a comma between, got/,
  ],
  [
    "a service range wider than Kubernetes takes",
    { ipFamily: "ipv6", serviceCIDR: "fd00::/48" },
    {},
    /--service-cidr: expected an IPv6 range/,
  ],
  [
    "link-local pods",
    { ipFamily: "ipv6", podCIDR: "fe80::/56" },
    {},
    /--pod-cidr: fe80::\/56 holds addresses/,
  ],
  [
    "a family that is none",
    { ipFamily: "ipv5" as "ipv4" },
    {},
    /--ip-family: expected ipv4, ipv6 or dual, got "ipv5"/,
  ],
  [
    "an IPv6 route of the host",
    { ipFamily: "dual" },
    { taken: [{ range: "fd00:10::/32", what: "the route fd00:10::/32 dev wg0" }] },
    /fd00:10:244::\/56 collides with the route fd00:10::\/32 dev wg0; choose another: portolan up --pod-cidr/,
  ],
  [
    "ranges that overlap each other",
    { podCIDR: "10.96.0.0/16" },
    {},
    /--pod-cidr 10.96.0.0\/16 and --service-cidr 10.96.0.0\/16 overlap/,
  ],
  [
    "a route of the host",
    {},
    { taken: [{ range: "10.0.0.0/8", what: "the route 10.0.0.0/8 dev tun0" }] },
    /10.244.0.0\/16 collides with the route 10.0.0.0\/8 dev tun0; choose another: portolan up --pod-cidr/,
  ],
  [
    "a port in use",
    {},
    { portInUse: () => true },
    /port 6443 is in use on 127.0.0.1; choose another: portolan up --api-port 6543/,
  ],
];
for (const [name, options, around, message] of refusals)
  test(`refused: ${name}`, () => assert.match(refusal(options, around), message));

test("a dual-stack cluster has both families, IPv4 first", () => {
  const { cluster, nodes, gateway, second } = plan({ nodes: 2, ipFamily: "dual" });
  assert.deepEqual([gateway, second?.gateway], ["172.30.0.1", "fd00:172:30::1"]);
  assert.deepEqual(nodes[1], {
    name: "node-2",
    address: "172.30.0.3",
    podCIDR: "10.244.1.0/24",
    second: { address: "fd00:172:30::3", podCIDR: "fd00:10:244:1::/64" },
  });
  assert.deepEqual(cluster.second, {
    nodeCIDR: "fd00:172:30::/64",
    podCIDR: "fd00:10:244::/56",
    serviceCIDR: "fd00:10:96::/112",
    loadBalancerCIDR: "fd00:172:30:200::/112",
  });
  assert.deepEqual(cluster.apiServer, { host: "172.30.0.1", port: 6443 });
  assert.equal(cluster.dnsAddress, "10.96.0.10");
});

test("an IPv6 cluster has IPv6 addresses alone", () => {
  const six = plan({ nodes: 10, ipFamily: "ipv6" });
  assert.equal(six.cluster.second, undefined);
  assert.equal(six.cluster.dnsAddress, "fd00:10:96::a");
  assert.equal(six.cluster.apiServiceAddress, "fd00:10:96::1");
  assert.deepEqual(six.nodes[9], {
    name: "node-10",
    address: "fd00:172:30::b",
    podCIDR: "fd00:10:244:9::/64",
  });
  assert.equal(apiUrl(six), "https://[::1]:6443");
});

test("every number of a machine's clusters has ranges of its own in both families", () => {
  const others: Plan[] = [];
  for (let i = 0; i < 50; i++) others.push(plan({ name: `c${i}`, ipFamily: "dual" }, { others }));
  assert.equal(others[49]!.index, 49);
  const six = plan({ name: "six", ipFamily: "ipv6" }, { others: [others[0]!] });
  assert.equal(six.index, 1);
});

test("a range is asked for in one family or in both", () => {
  const both = plan({ ipFamily: "dual", podCIDR: "fd00:1::/48,10.1.0.0/16", serviceCIDR: "fd00:2::/108" });
  assert.equal(both.cluster.podCIDR, "10.1.0.0/16");
  assert.equal(both.cluster.second?.podCIDR, "fd00:1::/48");
  assert.equal(both.cluster.serviceCIDR, "10.96.0.0/16");
  assert.equal(both.cluster.second?.serviceCIDR, "fd00:2::/108");
  const again = { name: "portolan", nodes: 1 };
  assert.equal(changedOption({ ...again, serviceCIDR: "fd00:02::/108" }, both), undefined);
  assert.match(
    changedOption({ ...again, podCIDR: "fd00:3::/48" }, both) ?? "",
    /has --pod-cidr fd00:1::\/48, not fd00:3::\/48/,
  );
  assert.match(changedOption({ ...again, ipFamily: "ipv4" }, both) ?? "", /has --ip-family dual, not ipv4/);
});
