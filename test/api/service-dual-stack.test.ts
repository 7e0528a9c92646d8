// What clients see of Services with two addresses: messages, upgrades by patch, conversions, ranges, restarts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createServiceAllocation } from "../../src/control/apiserver/allocation/mod.ts";
import { ensureBootstrapObjects, type WriteContext } from "../../src/control/apiserver/mod.ts";
import type { KubeObject } from "../../src/core/api/types.ts";
import {
  type Answer,
  startTestServer,
  type TestServer,
  testCluster,
  testClusterDual,
  testClusterDualIPv6,
} from "../support/api-server.ts";

let single: TestServer;
let dual: TestServer;
before(async () => {
  single = await startTestServer();
  dual = await startTestServer({ cluster: testClusterDual });
});
after(async () => {
  await single.close();
  await dual.close();
});

const services = "/api/v1/namespaces/default/services";
const networking = "/apis/networking.k8s.io/v1";
const merge = { "Content-Type": "application/merge-patch+json" };
const service = (name: string, spec: object) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], selector: { app: "web" }, ...spec },
});
const make = (name: string, spec: object, server = dual): Promise<Answer> =>
  server.request("POST", services, { body: service(name, spec) });
const patch = (name: string, spec: object): Promise<Answer> =>
  dual.request("PATCH", `${services}/${name}`, { body: { spec }, headers: merge });
const v4 = ["IPv4"];
const both = ["IPv4", "IPv6"];

const refused: [name: string, cluster: "single" | "dual", spec: object, message: string][] = [
  [
    "a policy that is none",
    "dual",
    { ipFamilyPolicy: "garbage" },
    'spec.ipFamilyPolicy: Unsupported value: "garbage": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
  ],
  [
    "both families of a cluster that has one",
    "single",
    { ipFamilyPolicy: "RequireDualStack" },
    'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
  ],
  [
    "the family that the cluster does not have",
    "single",
    { ipFamilies: ["IPv6"] },
    'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
  ],
  [
    "a family that is none",
    "dual",
    { ipFamilies: ["IPv4", "garbage"] },
    'spec.ipFamilies[1]: Unsupported value: "garbage": supported values: "IPv4", "IPv6"',
  ],
  [
    "two families, no policy",
    "dual",
    { ipFamilies: both },
    "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
  ],
  [
    "two addresses, no policy",
    "dual",
    { clusterIP: "10.96.1.1", clusterIPs: ["10.96.1.1", "fd00:10:96::101"] },
    "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
  ],
  [
    "one family twice",
    "dual",
    { ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv6", "IPv6"] },
    'spec.ipFamilies[1]: Duplicate value: "IPv6"',
  ],
  [
    "an address of the family that the cluster does not have",
    "single",
    { clusterIP: "fd00:10:96::101" },
    'spec.clusterIPs[0]: Invalid value: ["fd00:10:96::101"]: IPv6 is not configured on this cluster',
  ],
  [
    "an address of another family than the one named",
    "dual",
    { clusterIP: "fd00:10:96::101", ipFamilies: v4 },
    'spec.clusterIPs[0]: Invalid value: "fd00:10:96::101": expected an IPv4 value as indicated by `ipFamilies[0]`',
  ],
  [
    "two addresses of one family",
    "dual",
    { ipFamilyPolicy: "PreferDualStack", clusterIP: "10.96.1.1", clusterIPs: ["10.96.1.1", "10.96.1.2"] },
    'spec.clusterIPs: Invalid value: ["10.96.1.1","10.96.1.2"]: may specify no more than one IP for each IP family',
  ],
  [
    "three addresses",
    "dual",
    {
      ipFamilyPolicy: "PreferDualStack",
      clusterIP: "10.96.1.1",
      clusterIPs: ["10.96.1.1", "fd00:10:96::101", "10.96.1.2"],
    },
    'spec.clusterIPs: Invalid value: ["10.96.1.1","fd00:10:96::101","10.96.1.2"]: may only hold up to 2 values',
  ],
  [
    "an IPv6 address outside the range",
    "dual",
    { ipFamilies: ["IPv6"], clusterIP: "2001:db8::1" },
    'spec.clusterIPs: Invalid value: ["2001:db8::1"]: failed to allocate IP 2001:db8::1: the provided network does not match the current range',
  ],
  [
    "families of an ExternalName",
    "dual",
    { type: "ExternalName", externalName: "example.com", ipFamilies: v4 },
    "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
  ],
];
for (const [name, cluster, spec, message] of refused)
  test(`refused: ${name}`, async () => {
    const { status, body } = await make("refused", spec, cluster === "single" ? single : dual);
    assert.equal(status, 422, JSON.stringify(body.spec));
    assert.ok(body.message.includes(message), body.message);
  });

test("an upgrade that finds its second address taken changes nothing", async () => {
  assert.equal((await make("has-it", { ipFamilies: ["IPv6"], clusterIP: "fd00:10:96::201" })).status, 201);
  const { body } = await make("wants-it", {});
  const change = {
    ipFamilyPolicy: "RequireDualStack",
    clusterIPs: [body.spec.clusterIP, "fd00:10:96::201"],
  };
  const answer = await patch("wants-it", change);
  assert.equal(answer.status, 422);
  assert.match(
    answer.body.message,
    /failed to allocate IP fd00:10:96::201: provided IP is already allocated/,
  );
  const now = await dual.request("GET", `${services}/wants-it`);
  assert.deepEqual(now.body.spec, body.spec);
});

test("a create that finds its second address taken keeps neither", async () => {
  const pair = ["10.96.2.2", "fd00:10:96::202"];
  assert.equal((await make("second", { ipFamilies: ["IPv6"], clusterIP: pair[1] })).status, 201);
  const spec = { ipFamilyPolicy: "RequireDualStack", clusterIP: pair[0], clusterIPs: pair };
  assert.equal((await make("pair", spec)).status, 422);
  assert.equal((await make("first", { clusterIP: pair[0] })).status, 201);
});

test("a second family comes and goes by patch, its address is free again", async () => {
  const { body } = await make("patched", {});
  assert.deepEqual([body.spec.ipFamilyPolicy, body.spec.ipFamilies], ["SingleStack", v4]);
  const more = (await patch("patched", { ipFamilyPolicy: "PreferDualStack" })).body.spec;
  assert.deepEqual([more.ipFamilies, more.clusterIP], [both, body.spec.clusterIP]);
  assert.match(more.clusterIPs[1], /^fd00:10:96::/);
  const less = (await patch("patched", { ipFamilyPolicy: "SingleStack" })).body.spec;
  assert.deepEqual([less.ipFamilies, less.clusterIPs], [v4, [body.spec.clusterIP]]);
  const next = await make("takes-over", { ipFamilies: ["IPv6"], clusterIP: more.clusterIPs[1] });
  assert.equal(next.status, 201, next.text);
  const swapped = await patch("patched", {
    ipFamilyPolicy: "RequireDualStack",
    ipFamilies: ["IPv6", "IPv4"],
  });
  assert.match(swapped.body.message, /expected an IPv6 value as indicated by `ipFamilies\[0\]`/);
});

test("to ExternalName and back: both addresses go, families are settled anew", async () => {
  const { body } = await make("alias", { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6", "IPv4"] });
  const external = await patch("alias", { type: "ExternalName", externalName: "example.com" });
  assert.equal(external.status, 200, external.text);
  for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"])
    assert.equal(external.body.spec[field], undefined, field);
  const taken = await make("took", {
    ipFamilyPolicy: "RequireDualStack",
    clusterIP: body.spec.clusterIP,
    clusterIPs: body.spec.clusterIPs,
  });
  assert.equal(taken.status, 201, taken.text);
  assert.deepEqual(taken.body.spec.ipFamilies, ["IPv6", "IPv4"]);
  const home = await patch("alias", { type: "ClusterIP", externalName: null });
  assert.deepEqual(home.body.spec.ipFamilies, v4, home.text);
  assert.match(home.body.spec.clusterIP, /^10\.96\./);
});

test("PreferDualStack made before the cluster had two families is upgraded only when it is changed", async (t) => {
  const server = await startTestServer();
  t.after(() => server.close());
  const { body } = await make("early", { ipFamilyPolicy: "PreferDualStack" }, server);
  assert.deepEqual(body.spec.ipFamilies, v4);
  const def = server.api.core.registry.find("", "v1", "services")!;
  const context = { ipFamilies: both as ("IPv4" | "IPv6")[], now: "", user: { name: "", groups: [] } };
  const after = (change: (s: typeof body) => void): string[] => {
    const next = structuredClone(body);
    change(next);
    def.prepareForUpdate!(next, body, context);
    return next.spec.ipFamilies;
  };
  assert.deepEqual(
    after((s) => {
      s.spec.selector = { app: "other" };
    }),
    v4,
  );
  assert.deepEqual(
    after((s) => {
      s.spec.type = "NodePort";
    }),
    both,
  );
  assert.deepEqual(
    after((s) => {
      s.spec.ipFamilyPolicy = "RequireDualStack";
    }),
    both,
  );
});

test("a server that starts knows the addresses of both families", async () => {
  const pair = ["10.96.3.3", "fd00:10:96::303"];
  await make("kept", { ipFamilyPolicy: "RequireDualStack", clusterIP: pair[0], clusterIPs: pair });
  const reserve = createServiceAllocation({
    store: dual.store,
    cluster: testClusterDual,
    random: Math.random,
  });
  for (const clusterIP of pair)
    assert.throws(
      () =>
        reserve({
          operation: "CREATE",
          def: dual.api.core.registry.find("", "v1", "services")!,
          namespace: "default",
          name: "new",
          subresource: "",
          object: service("new", { type: "ClusterIP", clusterIP, clusterIPs: [clusterIP] }) as KubeObject,
          old: undefined,
          context: {} as WriteContext,
        }),
      /already allocated/,
      clusterIP,
    );
});

test("an address that is not written canonically is the same address", async () => {
  const long = "fd00:10:96:0:0:0:0:404";
  const made = await make("long", { ipFamilies: ["IPv6"], clusterIP: long });
  assert.equal(made.status, 201, made.text);
  const again = await make("short", { ipFamilies: ["IPv6"], clusterIP: "fd00:10:96::404" });
  assert.match(again.body.message, /provided IP is already allocated/);
});

test("a ServiceCIDR of both families extends both ranges", async () => {
  const body = { metadata: { name: "more" }, spec: { cidrs: ["203.0.113.0/24", "2001:db8:9::/64"] } };
  const cidr = await dual.request("POST", `${networking}/servicecidrs`, { body });
  assert.equal(cidr.status, 201, cidr.text);
  const pair = ["2001:db8:9::ffff:1", "203.0.113.9"];
  const made = await make("beyond", {
    ipFamilyPolicy: "RequireDualStack",
    clusterIP: pair[0],
    clusterIPs: pair,
  });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body.spec.ipFamilies, ["IPv6", "IPv4"]);
});

test("two hundred at once have two hundred pairs", async () => {
  const made = await Promise.all(
    Array.from({ length: 200 }, (_, i) => make(`pair-${i}`, { ipFamilyPolicy: "PreferDualStack" })),
  );
  assert.ok(made.every((m) => m.status === 201));
  assert.equal(new Set(made.flatMap((m) => m.body.spec.clusterIPs)).size, 400);
});

test("what a cluster has from its start is of its first family", async (t) => {
  const server = await startTestServer({ cluster: testClusterDualIPv6 });
  t.after(() => server.close());
  const get = async (path: string) => (await server.request("GET", path)).body;
  const { spec } = await get(`${services}/kubernetes`);
  assert.deepEqual(
    [spec.clusterIPs, spec.ipFamilies, spec.ipFamilyPolicy],
    [["fd00:10:96::1"], ["IPv6"], "SingleStack"],
  );
  const slice = await get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
  assert.equal(slice.addressType, "IPv6");
  assert.deepEqual(slice.endpoints[0].addresses, ["fd00:172:30::1"]);
  const range = await get(`${networking}/servicecidrs/kubernetes`);
  assert.deepEqual(range.spec.cidrs, ["fd00:10:96::/112", "10.96.0.0/16"]);
});

test("a cluster that is given a second family later adds it to its range", async (t) => {
  const server = await startTestServer();
  t.after(() => server.close());
  const cidrs = async () =>
    (await server.request("GET", `${networking}/servicecidrs/kubernetes`)).body.spec.cidrs;
  assert.deepEqual(await cidrs(), [testCluster.serviceCIDR]);
  await ensureBootstrapObjects(server.api.client, testClusterDual, server.ca);
  assert.deepEqual(await cidrs(), ["10.96.0.0/16", "fd00:10:96::/112"]);
});

test("how full the ranges are, and what was given out of them, in kube-apiserver's metrics", async (t) => {
  const server = await startTestServer({ cluster: testClusterDual });
  t.after(() => server.close());
  const metric = async (name: string): Promise<number> => {
    const { text } = await server.request("GET", "/metrics");
    const line = text.split("\n").find((l) => l.startsWith(`${name} `));
    return line === undefined ? Number.NaN : Number(line.slice(name.length + 1));
  };
  const ips = "kube_apiserver_clusterip_allocator";
  const ports = "kube_apiserver_nodeport_allocator";
  const six = 'cidr="fd00:10:96::/112"';
  assert.equal(await metric(`${ips}_allocated_ips{${six}}`), 0);
  assert.equal(await metric(`${ips}_available_ips{${six}}`), 65535);
  // The cluster's own two.
  assert.equal(await metric(`${ips}_allocated_ips{cidr="10.96.0.0/16"}`), 2);
  assert.equal(await metric(`${ips}_allocation_total{cidr="10.96.0.0/16",scope="static"}`), 2);
  const pair = ["fd00:10:96::7", "10.96.0.7"];
  const spec = { type: "NodePort", ipFamilyPolicy: "RequireDualStack" };
  assert.equal((await make("any", spec, server)).status, 201);
  const named = { ...spec, clusterIP: pair[0], clusterIPs: pair, ports: [{ port: 80, nodePort: 30007 }] };
  assert.equal((await make("named", named, server)).status, 201);
  assert.equal((await make("refused", named, server)).status, 422);
  const dry = await server.request("POST", `${services}?dryRun=All`, { body: service("dry", spec) });
  assert.equal(dry.status, 201, dry.text);
  const rows: [name: string, value: number][] = [
    [`${ips}_allocated_ips{${six}}`, 2],
    [`${ips}_available_ips{${six}}`, 65533],
    [`${ips}_allocation_total{${six},scope="dynamic"}`, 1],
    [`${ips}_allocation_total{${six},scope="static"}`, 1],
    [`${ips}_allocation_errors_total{${six},scope="static"}`, 1],
    [`${ports}_allocated_ports`, 2],
    [`${ports}_available_ports`, 2766],
    [`${ports}_allocation_total{scope="dynamic"}`, 1],
    [`${ports}_allocation_total{scope="static"}`, 1],
  ];
  for (const [name, value] of rows) assert.equal(await metric(name), value, name);
});

test("ranges that shut the host out in one family, or leave one open, are told at the write", async () => {
  const { status, headers } = await make("guarded", {
    type: "LoadBalancer",
    ipFamilyPolicy: "PreferDualStack",
    loadBalancerSourceRanges: ["172.30.0.0/24", "2001:db8::/32"],
  });
  assert.equal(status, 201);
  assert.match(
    String(headers.warning),
    /loadBalancerSourceRanges: fd00:172:30::1, this cluster's host, is in none/,
  );
  const open = await make("open", {
    type: "LoadBalancer",
    ipFamilyPolicy: "PreferDualStack",
    loadBalancerSourceRanges: ["172.30.0.0/24"],
  });
  assert.match(String(open.headers.warning), /none of them is of IPv6, so everybody is answered over it/);
});
