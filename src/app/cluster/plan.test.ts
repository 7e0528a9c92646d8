import assert from "node:assert/strict";
import { test } from "node:test";
import { changedOption, type Plan, type PlanOptions, planCluster, type Surroundings } from "./plan.ts";

const alone: Surroundings = { taken: [], others: [], netns: "net:[1]", portInUse: () => false };

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
  ["IPv6", { serviceCIDR: "fd00::/112" }, {}, /--service-cidr: expected an IPv4 range/],
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
