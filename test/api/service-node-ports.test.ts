// Node ports, health check ports and cluster IPs of Services through their types and changes: what is given is held by nobody
// else, what is let go of can be had (the cases of kubernetes pkg/registry/core/service/storage: TestCreateInitNodePorts,
// TestFeaturePorts, TestFeatureType, TestFeatureExternalTrafficPolicy, TestUpdatePatchAllocatedValues).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, startTestServer, type TestServer, testClusterDual } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer({ cluster: testClusterDual });
});
after(() => server.close());

const url = "/api/v1/namespaces/default/services";

interface Port {
  name: string;
  port: number;
  protocol?: string;
  nodePort?: number;
}
interface Spec {
  type?: string;
  ports?: Port[];
  clusterIP?: string;
  clusterIPs?: string[];
  healthCheckNodePort?: number;
  [key: string]: unknown;
}

const request = (method: string, name: string, spec: Spec): Promise<Answer> =>
  server.request(method, method === "PUT" ? `${url}/${name}` : url, {
    body: { metadata: { name }, spec: { selector: { app: "web" }, ...spec } },
  });
const remove = (name: string): Promise<Answer> => server.request("DELETE", `${url}/${name}`);

const nodePorts = (s: Spec | undefined): number[] => (s?.ports ?? []).flatMap((p) => p.nodePort ?? []);
const held = (s: Spec | undefined): number[] => [
  ...new Set([...nodePorts(s), ...(s?.healthCheckNodePort ? [s.healthCheckNodePort] : [])]),
];
const addresses = (s: Spec | undefined): string[] => (s?.clusterIPs ?? []).filter((ip) => ip !== "None");

/** Whether somebody else gets the port, or the address. */
async function isFree(what: number | string): Promise<boolean> {
  const asks: Spec =
    typeof what === "number"
      ? { type: "NodePort", ports: [{ name: "p", port: 80, nodePort: what }] }
      : { ports: [{ name: "p", port: 80 }], clusterIP: what };
  const { status } = await request("POST", "probe", asks);
  if (status === 201) await remove("probe");
  return status === 201;
}

/** All of the new one is held, nothing that only the old one had. */
async function assertHeld(now: Spec | undefined, was?: Spec): Promise<void> {
  const mine = [...held(now), ...addresses(now)];
  for (const v of mine) assert.equal(await isFree(v), false, `${v} is held`);
  for (const v of [...held(was), ...addresses(was)])
    if (!mine.includes(v)) assert.equal(await isFree(v), true, `${v} is free`);
}

const port = (name: string, number: number, nodePort?: number, protocol = "TCP"): Port => ({
  name,
  port: number,
  protocol,
  ...(nodePort ? { nodePort } : {}),
});
const one = [port("p", 80)];
const two = [port("p", 80), port("q", 443)];
const both = [port("p", 53), port("q", 53, undefined, "UDP")];

/** How many node ports a new Service has, or why it is refused. */
const created: [name: string, spec: Spec, want: number | RegExp][] = [
  ["ExternalName", { type: "ExternalName", externalName: "a.b", ports: one }, 0],
  ["ClusterIP", { ports: one }, 0],
  [
    "ClusterIP with a node port",
    { ports: [port("p", 80, 30093)] },
    /may not be used when `type` is 'ClusterIP'/,
  ],
  ["NodePort", { type: "NodePort", ports: one }, 1],
  ["NodePort, chosen", { type: "NodePort", ports: [port("p", 80, 30093)] }, 1],
  ["NodePort of two ports", { type: "NodePort", ports: two }, 2],
  ["NodePort, two chosen", { type: "NodePort", ports: [port("p", 80, 30093), port("q", 443, 30076)] }, 2],
  [
    "NodePort, one number chosen for two ports",
    { type: "NodePort", ports: [port("p", 80, 30080), port("q", 443, 30080)] },
    /spec\.ports\[1\]\.nodePort: /,
  ],
  ["one port of two protocols", { type: "NodePort", ports: both }, 2],
  [
    "one port of two protocols, chosen",
    { type: "NodePort", ports: [port("p", 53, 30093), port("q", 53, 30076, "UDP")] },
    2,
  ],
  [
    "one port of two protocols, one number chosen",
    { type: "NodePort", ports: [port("p", 53, 30053), port("q", 53, 30053, "UDP")] },
    2,
  ],
  [
    "one port of two protocols, the second chosen",
    { type: "NodePort", ports: [port("p", 53), port("q", 53, 30054, "UDP")] },
    2,
  ],
  [
    "two ports of two protocols, one number chosen",
    { type: "NodePort", ports: [port("p", 93, 30093), port("q", 76, 30093, "UDP")] },
    /spec\.ports\[1\]\.nodePort: Invalid value: 30093: provided port is already allocated/,
  ],
  ["LoadBalancer", { type: "LoadBalancer", ports: two }, 2],
  ["LoadBalancer without", { type: "LoadBalancer", ports: two, allocateLoadBalancerNodePorts: false }, 0],
  [
    "LoadBalancer without, chosen all the same",
    { type: "LoadBalancer", ports: [port("p", 80, 30093)], allocateLoadBalancerNodePorts: false },
    1,
  ],
  [
    "LoadBalancer, Local: a health check port",
    { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Local" },
    1,
  ],
  [
    "LoadBalancer, Local, the health check port chosen",
    { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Local", healthCheckNodePort: 30118 },
    1,
  ],
  [
    "LoadBalancer, Cluster with a health check port",
    { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Cluster", healthCheckNodePort: 30118 },
    /spec\.healthCheckNodePort: Invalid value: 30118: may only be set when/,
  ],
  [
    "the health check port is out of range",
    { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Local", healthCheckNodePort: -1 },
    /healthCheckNodePort/i,
  ],
];
for (const [name, spec, want] of created)
  test(`created: ${name}`, async (t) => {
    t.after(() => remove("web"));
    const { status, body } = await request("POST", "web", spec);
    if (want instanceof RegExp) {
      assert.notEqual(status, 201, JSON.stringify(body.spec));
      assert.match(body.message, want);
      for (const v of held(spec)) if (v > 0) assert.equal(await isFree(v), true, `${v} was given back`);
      return;
    }
    assert.equal(status, 201, body.message);
    const given = body.spec as Spec;
    assert.equal(nodePorts(given).length, want);
    for (const [i, p] of (spec.ports ?? []).entries())
      if (p.nodePort) assert.equal(given.ports![i]!.nodePort, p.nodePort);
    if (spec.ports === both) assert.equal(new Set(nodePorts(given)).size, 1);
    assert.equal(given.healthCheckNodePort !== undefined, spec.externalTrafficPolicy === "Local");
    await assertHeld(given);
    await remove("web");
    await assertHeld(undefined, given);
  });

const types: Record<string, Spec> = {
  ClusterIP: { type: "ClusterIP" },
  "ClusterIP of both families": { type: "ClusterIP", ipFamilyPolicy: "RequireDualStack" },
  NodePort: { type: "NodePort" },
  LoadBalancer: { type: "LoadBalancer" },
  "LoadBalancer, Local": { type: "LoadBalancer", externalTrafficPolicy: "Local" },
  Headless: { type: "ClusterIP", clusterIP: "None" },
  ExternalName: { type: "ExternalName", externalName: "example.com" },
};
const isHeadless = (name: string): boolean => name === "Headless";
for (const [from, first] of Object.entries(types))
  for (const [to, next] of Object.entries(types)) {
    if (from === to) continue;
    // Who does not name an address keeps what there is, be it None.
    const stays = isHeadless(from) && next.type === "ClusterIP";
    const refused =
      !stays && isHeadless(from) !== isHeadless(to) && from !== "ExternalName" && to !== "ExternalName";
    test(`from ${from} to ${to}${refused ? ": refused" : ""}`, async (t) => {
      t.after(() => remove("web"));
      const made = await request("POST", "web", { ...first, ports: two });
      assert.equal(made.status, 201, made.body.message);
      const was = made.body.spec as Spec;
      const put = await request("PUT", "web", { ...next, ports: two });
      const now = (await server.request("GET", `${url}/web`)).body.spec as Spec;
      assert.equal(put.status, refused ? 422 : 200, put.body.message);
      if (refused) assert.deepEqual(now, was);
      await assertHeld(now, was);
      if (!refused) {
        assert.equal(now.type, next.type);
        const wanted = { NodePort: 2, LoadBalancer: 2 }[next.type!] ?? 0;
        assert.equal(nodePorts(now).length, wanted);
        // What both have stays.
        if (nodePorts(was).length > 0 && wanted > 0) assert.deepEqual(nodePorts(now), nodePorts(was));
        if (addresses(was).length > 0 && addresses(now).length > 0)
          assert.equal(addresses(now)[0], addresses(was)[0]);
        assert.equal(now.healthCheckNodePort !== undefined, to === "LoadBalancer, Local");
        const families = to === "ClusterIP of both families" ? 2 : 1;
        if (next.type === "ExternalName") assert.deepEqual(now.clusterIPs ?? [], []);
        else if (stays) assert.deepEqual(now.clusterIPs, ["None"]);
        else if (from !== "ClusterIP of both families") assert.equal(now.clusterIPs!.length, families);
      }
      await remove("web");
      await assertHeld(undefined, now);
    });
  }

const updated: [name: string, old: Spec, next: Spec, check: (now: Spec, was: Spec) => void][] = [
  [
    "a port more",
    { type: "NodePort", ports: one },
    { type: "NodePort", ports: two },
    (now, was) => assert.equal(now.ports![0]!.nodePort, was.ports![0]!.nodePort),
  ],
  [
    "a port less",
    { type: "NodePort", ports: two },
    { type: "NodePort", ports: one },
    (now, was) => assert.deepEqual(nodePorts(now), nodePorts(was).slice(0, 1)),
  ],
  [
    "ports in another order",
    { type: "NodePort", ports: two },
    { type: "NodePort", ports: [...two].reverse() },
    (now, was) => assert.deepEqual(nodePorts(now), nodePorts(was).reverse()),
  ],
  [
    "other numbers, the same names",
    { type: "NodePort", ports: two },
    { type: "NodePort", ports: [port("p", 8080), port("q", 8443)] },
    (now, was) => assert.deepEqual(nodePorts(now), nodePorts(was)),
  ],
  [
    "other protocols",
    { type: "NodePort", ports: two },
    { type: "NodePort", ports: [port("p", 80, undefined, "UDP"), port("q", 443, undefined, "UDP")] },
    (now, was) => assert.deepEqual(nodePorts(now), nodePorts(was)),
  ],
  [
    "other names, one port of two protocols",
    { type: "NodePort", ports: two },
    { type: "NodePort", ports: [port("r", 53), port("s", 53, undefined, "UDP")] },
    // Unlike a create, an update gives two numbers.
    (now) => assert.equal(new Set(nodePorts(now)).size, 2),
  ],
  [
    "one number for two protocols, asked for by an update",
    { type: "NodePort", ports: one },
    { type: "NodePort", ports: [port("p", 93, 30093), port("q", 76, 30093, "UDP")] },
    (now) => assert.deepEqual(nodePorts(now), [30093, 30093]),
  ],
  [
    "the second port takes the first one's number",
    { type: "NodePort", ports: [port("p", 80, 30093), port("q", 443, 30076)] },
    { type: "NodePort", ports: [port("p", 80, 30076), port("q", 443)] },
    (now) => {
      assert.equal(now.ports![0]!.nodePort, 30076);
      assert.notEqual(now.ports![1]!.nodePort, 30076);
    },
  ],
  [
    "Local to Cluster lets the health check port go",
    { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Local", healthCheckNodePort: 30118 },
    { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Cluster" },
    (now) => assert.equal(now.healthCheckNodePort, undefined),
  ],
  [
    "Cluster to Local takes the one that is asked for",
    { type: "LoadBalancer", ports: one },
    { type: "LoadBalancer", ports: one, externalTrafficPolicy: "Local", healthCheckNodePort: 30118 },
    (now) => assert.equal(now.healthCheckNodePort, 30118),
  ],
  [
    "no more node ports keeps those there are",
    { type: "LoadBalancer", ports: two },
    { type: "LoadBalancer", ports: two, allocateLoadBalancerNodePorts: false },
    (now) => assert.equal(nodePorts(now).length, 0),
  ],
  [
    "nothing that was allocated is said again",
    {
      type: "LoadBalancer",
      ports: two,
      externalTrafficPolicy: "Local",
      ipFamilyPolicy: "PreferDualStack",
    },
    { type: "LoadBalancer", ports: two, externalTrafficPolicy: "Local" },
    (now, was) => assert.deepEqual(now, was),
  ],
];
for (const [name, old, next, check] of updated)
  test(`updated: ${name}`, async (t) => {
    t.after(() => remove("web"));
    const made = await request("POST", "web", old);
    assert.equal(made.status, 201, made.body.message);
    const { status, body } = await request("PUT", "web", next);
    assert.equal(status, 200, body.message);
    check(body.spec, made.body.spec);
    await assertHeld(body.spec, made.body.spec);
    await remove("web");
    await assertHeld(undefined, body.spec);
  });
