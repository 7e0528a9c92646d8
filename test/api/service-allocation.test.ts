// Cluster IPs and node ports: each given out once, also to many at a time and after a restart.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createServiceAllocation } from "../../src/control/apiserver/allocation/mod.ts";
import type { WriteContext } from "../../src/control/apiserver/mod.ts";
import type { KubeObject } from "../../src/core/api/types.ts";
import { startTestServer, type TestServer, testCluster } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const services = "/api/v1/namespaces/default/services";
const service = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});
const make = (name: string, spec?: object) => server.request("POST", services, { body: service(name, spec) });

test("two hundred at once have two hundred addresses and ports", async () => {
  const made = await Promise.all(
    Array.from({ length: 200 }, (_, i) => make(`many-${i}`, { type: "NodePort" })),
  );
  assert.ok(made.every((m) => m.status === 201));
  assert.equal(new Set(made.map((m) => m.body.spec.clusterIP)).size, 200);
  assert.equal(new Set(made.map((m) => m.body.spec.ports[0].nodePort)).size, 200);
});

test("of many who ask for one address, one has it", async () => {
  const made = await Promise.all(
    Array.from({ length: 30 }, (_, i) => make(`same-${i}`, { clusterIP: "10.96.0.103" })),
  );
  assert.equal(made.filter((m) => m.status === 201).length, 1);
  const refused = made.find((m) => m.status === 422)!;
  assert.match(
    refused.body.message,
    /spec\.clusterIPs: Invalid value: \["10\.96\.0\.103"\]: failed to allocate IP 10\.96\.0\.103: provided IP is already allocated/,
  );
});

test("what a refused or dry write took is free again", async () => {
  await make("dup");
  assert.equal((await make("dup", { clusterIP: "10.96.0.104" })).status, 409);
  const dry = await server.request("POST", `${services}?dryRun=All`, {
    body: service("dry", { clusterIP: "10.96.0.104" }),
  });
  assert.equal(dry.status, 201, dry.text);
  assert.equal((await make("after", { clusterIP: "10.96.0.104" })).status, 201);
});

test("a deleted Service's address and ports are free again", async () => {
  await make("short", { type: "NodePort", clusterIP: "10.96.0.105", ports: [{ port: 80, nodePort: 30055 }] });
  await server.request("DELETE", `${services}/short`);
  const again = await make("again", {
    type: "NodePort",
    clusterIP: "10.96.0.105",
    ports: [{ port: 80, nodePort: 30055 }],
  });
  assert.equal(again.status, 201, again.text);
});

test("a change of type gives and takes back", async () => {
  await make("turns");
  const patch = (spec: object) =>
    server.request("PATCH", `${services}/turns`, {
      body: { spec },
      headers: { "Content-Type": "application/merge-patch+json" },
    });
  const nodePort = (await patch({ type: "NodePort" })).body.spec.ports[0].nodePort;
  assert.ok(nodePort >= 30000 && nodePort <= 32767);
  const back = await patch({ type: "ClusterIP" });
  assert.equal(back.body.spec.ports[0].nodePort, undefined, back.text);
  const taken = await make("takes-over", { type: "NodePort", ports: [{ port: 80, nodePort }] });
  assert.equal(taken.status, 201, taken.text);
  const external = await patch({
    type: "ExternalName",
    externalName: "a.b",
    clusterIP: null,
    clusterIPs: null,
  });
  assert.equal(external.status, 200, external.text);
  assert.equal(external.body.spec.clusterIP, undefined);
  const home = await patch({ type: "ClusterIP", externalName: null });
  assert.match(home.body.spec.clusterIP, /^10\.96\./, home.text);
});

test("a server that starts knows what stored Services hold", async () => {
  await make("held", { type: "NodePort", clusterIP: "10.96.0.106", ports: [{ port: 80, nodePort: 30066 }] });
  const reserve = createServiceAllocation({ store: server.store, cluster: testCluster, random: Math.random });
  const attempt = (spec: object) =>
    reserve({
      operation: "CREATE",
      def: server.api.core.registry.find("", "v1", "services")!,
      namespace: "default",
      name: "new",
      subresource: "",
      object: service("new", { type: "NodePort", ...spec }) as KubeObject,
      old: undefined,
      context: {} as WriteContext,
    });
  assert.throws(
    () => attempt({ clusterIP: "10.96.0.106", clusterIPs: ["10.96.0.106"] }),
    /already allocated/,
  );
  assert.throws(() => attempt({ ports: [{ port: 80, nodePort: 30066 }] }), /already allocated/);
  attempt({ clusterIP: "10.96.0.107", clusterIPs: ["10.96.0.107"] })!.release();
  attempt({ clusterIP: "10.96.0.107", clusterIPs: ["10.96.0.107"] });
});

const networking = "/apis/networking.k8s.io/v1";

test("a second ServiceCIDR extends the range until it is deleted", async () => {
  const outside = await make("outside", { clusterIP: "203.0.113.10" });
  assert.match(
    outside.body.message,
    /failed to allocate IP 203\.0\.113\.10: the provided network does not match the current range/,
  );
  const more = {
    metadata: { name: "more", finalizers: ["example.com/keep"] },
    spec: { cidrs: ["203.0.113.0/24"] },
  };
  const cidr = await server.request("POST", `${networking}/servicecidrs`, { body: more });
  assert.equal(cidr.status, 201, cidr.text);
  const inside = await make("inside", { clusterIP: "203.0.113.10" });
  assert.equal(inside.status, 201, inside.text);
  assert.equal((await make("twice", { clusterIP: "203.0.113.10" })).status, 422);
  const fixed = await server.request("PATCH", `${networking}/servicecidrs/more`, {
    body: { spec: { cidrs: ["203.0.112.0/24"] } },
    headers: { "content-type": "application/merge-patch+json" },
  });
  assert.match(
    fixed.body.message,
    /spec\.cidrs\[0\]: Invalid value: "203\.0\.112\.0\/24": field is immutable/,
  );
  await server.request("DELETE", `${networking}/servicecidrs/more`);
  assert.equal((await make("late", { clusterIP: "203.0.113.11" })).status, 422);
});

test("an IPAddress that belongs to somebody else reserves its address", async () => {
  const parentRef = { group: "example.com", resource: "gateways", namespace: "default", name: "edge" };
  const body = { metadata: { name: "10.96.0.120" }, spec: { parentRef } };
  assert.equal((await server.request("POST", `${networking}/ipaddresses`, { body })).status, 201);
  const refused = await make("reserved", { clusterIP: "10.96.0.120" });
  assert.match(
    refused.body.message,
    /failed to allocate IP 10\.96\.0\.120: provided IP is already allocated/,
  );
  await server.request("DELETE", `${networking}/ipaddresses/10.96.0.120`);
  assert.equal((await make("free", { clusterIP: "10.96.0.120" })).status, 201);
});

test("when the last node port is given, the next is refused in Kubernetes' words, and takes nothing", async () => {
  const small = await startTestServer({
    cluster: { ...testCluster, nodePortRange: { from: 30000, to: 30001 } },
  });
  try {
    const post = (name: string, spec: object) =>
      small.request("POST", services, { body: service(name, spec) });
    const local = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
    assert.equal((await post("one", { type: "NodePort" })).status, 201);
    // Its node port is to be had, the port of its health check is not.
    const half = await post("half", local);
    assert.deepEqual(
      [half.status, half.body.message],
      [500, "Internal error occurred: failed to allocate a HealthCheck NodePort 0: range is full"],
    );
    const chosen = await post("chosen", { ...local, healthCheckNodePort: 30001 + 1 });
    assert.equal(
      chosen.body.message,
      "Internal error occurred: failed to allocate requested HealthCheck NodePort 30002: provided port is not in the valid range. The range of valid ports is 30000-30001",
    );
    assert.equal((await post("two", { type: "NodePort" })).status, 201);
    const full = await post("three", { type: "NodePort" });
    assert.deepEqual(
      [full.status, full.body.message],
      [500, "Internal error occurred: failed to allocate a nodePort: range is full"],
    );
  } finally {
    await small.close();
  }
});
