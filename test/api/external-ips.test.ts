// externalIPs: kept out of a cluster that was not asked for them (DenyServiceExternalIPs), warned of in one that was; and the
// load balancer's addresses, which only the status endpoint takes.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Answer, startTestServer, type TestServer, testCluster } from "../support/api-server.ts";

const services = "/api/v1/namespaces/default/services";
const denied = (name: string): string =>
  `services "${name}" is forbidden: Use of external IPs is denied by admission control`;
const warning = '299 - "spec.externalIPs is deprecated and may no longer be implemented in some clusters"';

const service = (name: string, spec: object = {}, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { ports: [{ port: 80 }], ...spec },
  ...more,
});

let server: TestServer;
const merge = (name: string, body: object, path = ""): Promise<Answer> =>
  server.request("PATCH", `${services}/${name}${path}`, {
    body,
    headers: { "Content-Type": "application/merge-patch+json" },
  });
const apply = (name: string, spec: object): Promise<Answer> =>
  server.request("PATCH", `${services}/${name}?fieldManager=me&force=true`, {
    body: service(name, spec),
    headers: { "Content-Type": "application/apply-patch+yaml" },
  });

describe("by default", () => {
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  const ways: [string, (ips: string[]) => Promise<Answer>, string][] = [
    [
      "create",
      (externalIPs) => server.request("POST", services, { body: service("new", { externalIPs }) }),
      "new",
    ],
    [
      "create by dry run",
      (externalIPs) =>
        server.request("POST", `${services}?dryRun=All`, { body: service("new", { externalIPs }) }),
      "new",
    ],
    ["create by apply", (externalIPs) => apply("applied", { externalIPs }), "applied"],
    ["patch", (externalIPs) => merge("there", { spec: { externalIPs } }), "there"],
    [
      "update",
      async (externalIPs) => {
        const { body } = await server.request("GET", `${services}/there`);
        return server.request("PUT", `${services}/there`, {
          body: { ...body, spec: { ...body.spec, externalIPs } },
        });
      },
      "there",
    ],
    ["apply", (externalIPs) => apply("there", { externalIPs }), "there"],
  ];
  for (const [way, send, name] of ways)
    test(`${way}: refused`, async () => {
      await server.request("POST", services, { body: service("there") });
      const answer = await send(["192.0.2.7"]);
      assert.equal(answer.status, 403, answer.text);
      assert.equal(answer.body.reason, "Forbidden");
      assert.equal(answer.body.message, denied(name));
    });

  test("those that were there before may stay and go, no other comes", async () => {
    // As a server that was started with them allowed left it.
    await server.request("POST", services, { body: service("old") });
    const key = "/registry/core/services/default/old";
    const kv = server.store.get(key)!;
    const stored = JSON.parse(kv.value.toString());
    stored.spec.externalIPs = ["192.0.2.1", "192.0.2.2"];
    stored.spec.externalTrafficPolicy = "Cluster";
    await server.store.put(key, kv.modRevision, (revision) => {
      stored.metadata.resourceVersion = String(revision);
      return Buffer.from(JSON.stringify(stored));
    });
    const rows: [string, object, number][] = [
      ["another field changes", { metadata: { labels: { a: "b" } } }, 200],
      ["another comes", { spec: { externalIPs: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] } }, 403],
      ["the same in another order", { spec: { externalIPs: ["192.0.2.2", "192.0.2.1"] } }, 200],
      ["one goes", { spec: { externalIPs: ["192.0.2.2"] } }, 200],
      ["one is exchanged", { spec: { externalIPs: ["192.0.2.1"] } }, 403],
      ["all go", { spec: { externalIPs: null } }, 200],
      ["the last comes back", { spec: { externalIPs: ["192.0.2.2"] } }, 403],
    ];
    for (const [name, patch, code] of rows) assert.equal((await merge("old", patch)).status, code, name);
    const { body } = await server.request("GET", `${services}/old`);
    assert.equal(body.spec.externalTrafficPolicy, undefined, "no longer reached from outside");
  });
});

describe("where they were asked for", () => {
  before(async () => {
    server = await startTestServer({ cluster: { ...testCluster, allowExternalIPs: true } });
  });
  after(() => server.close());

  test("every write that has them is answered with a warning", async () => {
    const externalIPs = ["192.0.2.7"];
    const made = await server.request("POST", services, { body: service("ext", { externalIPs }) });
    assert.deepEqual([made.status, made.headers.warning], [201, warning]);
    assert.equal(made.body.spec.externalTrafficPolicy, "Cluster");
    const more = await merge("ext", { spec: { externalIPs: ["192.0.2.7", "192.0.2.8"] } });
    assert.deepEqual([more.status, more.headers.warning], [200, warning]);
    const applied = await apply("ext", { externalIPs: ["192.0.2.7", "192.0.2.8", "192.0.2.9"] });
    assert.deepEqual([applied.status, applied.headers.warning], [200, warning], applied.text);
    const none = await merge("ext", { spec: { externalIPs: null } });
    assert.deepEqual([none.status, none.headers.warning], [200, undefined]);
  });

  test("addresses of the wrong kind are refused", async () => {
    const externalIPs = ["127.0.0.1"];
    const refused = await server.request("POST", services, { body: service("loop", { externalIPs }) });
    assert.equal(refused.status, 422);
    assert.match(refused.body.message, /may not be in the loopback range/);
  });
});

describe("status.loadBalancer", () => {
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());
  const status = { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] } };

  test("is taken by the status endpoint only", async () => {
    const made = await server.request("POST", services, {
      body: service("lb", { type: "LoadBalancer" }, { status }),
    });
    assert.deepEqual(made.body.status, { loadBalancer: {} });
    assert.deepEqual((await merge("lb", { status })).body.status, { loadBalancer: {} });
    const put = await server.request("PUT", `${services}/lb`, { body: { ...made.body, status } });
    assert.deepEqual(put.body.status ?? put.text, { loadBalancer: {} });
    const applied = await server.request("PATCH", `${services}/lb?fieldManager=me&force=true`, {
      body: service("lb", { type: "LoadBalancer" }, { status }),
      headers: { "Content-Type": "application/apply-patch+yaml" },
    });
    assert.deepEqual(applied.body.status, { loadBalancer: {} }, applied.text);
    const written = await merge("lb", { status, spec: { loadBalancerIP: "192.0.2.1" } }, "/status");
    assert.deepEqual(written.body.status, {
      loadBalancer: { ingress: [{ ip: "192.0.2.9", ipMode: "VIP" }] },
    });
    assert.equal(written.body.spec.loadBalancerIP, undefined, "the status endpoint changes no spec");
    await merge("lb", { status: null });
    const kept = await server.request("GET", `${services}/lb`);
    assert.deepEqual(kept.body.status.loadBalancer.ingress, [{ ip: "192.0.2.9", ipMode: "VIP" }]);
  });

  test("is warned of an address that is not written canonically", async () => {
    await server.request("POST", services, { body: service("six", { type: "LoadBalancer" }) });
    const long = { loadBalancer: { ingress: [{ ip: "2001:db8:1:0::2" }] } };
    const { status: code, headers } = await merge("six", { status: long }, "/status");
    assert.deepEqual(
      [code, headers.warning],
      [
        200,
        '299 - "status.loadBalancer.ingress[0]: IPv6 address \\"2001:db8:1:0::2\\" should be in RFC 5952 canonical format (\\"2001:db8:1::2\\")"',
      ],
    );
  });

  test("is for load balancers only", async () => {
    await server.request("POST", services, { body: service("plain") });
    const refused = await merge("plain", { status }, "/status");
    assert.equal(
      refused.body.message,
      "Service \"plain\" is invalid: status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    );
  });
});
