// The host's routes to load balancers: several nodes share an address, each of them sees the client's own address, and routes
// of other kinds come and go as they are asked for.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { run } from "../../src/edge/command/mod.ts";
import { createHostRoutes, setSysctls } from "../../src/edge/netns/mod.ts";
import { type Lab, nodeAddress, nodeAddress6, openLab } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProgrammer } from "./programmer.ts";

const routes = createHostRoutes("br-lab", [4, 6], () => true);
const vip = "172.30.200.7";
let lab: Lab;

before(async () => {
  lab = await openLab([["a0"], ["a1"], ["a2"]]);
  await setSysctls(undefined, {
    "net/ipv4/fib_multipath_hash_policy": "1",
    "net/ipv6/fib_multipath_hash_policy": "1",
  });
  const kernel = await openProgrammer(lab);
  const local = { type: "LoadBalancer", externalTrafficPolicy: "Local", vips: [vip] };
  await kernel.program(
    [service("web", "10.96.0.50", local)],
    [slice("web", [lab.pod.a0!, lab.pod.a1!, lab.pod.a2!])],
  );
});
after(() => lab?.close());

const listed = async (to: string): Promise<readonly string[] | undefined> =>
  (await routes.list()).find((r) => r.to === to)?.via;

/** Who answers 60 connections from the host. */
async function answering(): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  for (let i = 0; i < 60; i++) {
    const { name, client, error } = await lab.host.dial(vip, 80);
    seen.set(name ?? error!, (seen.get(name ?? error!) ?? 0) + 1);
    if (name) assert.equal(client, lab.hostAddress);
  }
  return seen;
}

test("an address on several nodes: each has its part, one that goes has none", async () => {
  const to = `${vip}/32`;
  const all = [0, 1, 2].map(nodeAddress);
  await routes.change({ set: [{ to, via: all }], remove: [] });
  assert.deepEqual(await listed(to), all);
  const shares = await answering();
  assert.deepEqual([...shares.keys()].sort(), ["a0", "a1", "a2"]);
  // Of 60 connections each has 20 on the average; less than 5 once in a hundred thousand runs.
  for (const [name, n] of shares) assert.ok(n >= 5, `${name}: ${n}`);
  const two = all.slice(1);
  await routes.change({ set: [{ to, via: two, was: all }], remove: [] });
  assert.deepEqual(await listed(to), two);
  assert.deepEqual([...(await answering()).keys()].sort(), ["a1", "a2"]);
  await routes.change({ set: [{ to, via: [two[0]!], was: two }], remove: [] });
  assert.deepEqual([...(await answering()).keys()], ["a1"]);
  await routes.change({ set: [{ to, via: all, was: [two[0]!] }], remove: [] });
  await routes.change({ set: [], remove: [{ to, via: all }] });
  assert.equal(await listed(to), undefined);
  // The range's own way.
  assert.deepEqual([...(await answering()).keys()], ["a0"]);
});

test("the same in IPv6", async () => {
  const to = "fd00:200::7/128";
  const all = [0, 1, 2].map(nodeAddress6);
  const steps: string[][] = [all, all.slice(1), all.slice(2), all.slice(0, 2)];
  let was: string[] | undefined;
  for (const via of steps) {
    await routes.change({ set: [{ to, via, ...(was ? { was } : {}) }], remove: [] });
    assert.deepEqual(await listed(to), via);
    was = via;
  }
  await routes.change({ set: [], remove: [{ to, via: was! }] });
  assert.equal(await listed(to), undefined);
});

test("a route of the machine's own is not replaced, and the others are set all the same", async () => {
  await run("ip", ["link", "add", "machine", "type", "veth", "peer", "name", "other"]);
  await run("ip", ["link", "set", "machine", "up"]);
  await run("ip", ["route", "add", "192.0.2.0/24", "dev", "machine"]);
  const via = [nodeAddress(0), nodeAddress(1)];
  const taken = { to: "192.0.2.0/24", via };
  const free = { to: "198.51.100.0/24", via };
  await assert.rejects(routes.change({ set: [taken, free], remove: [] }), /File exists/);
  assert.equal(await listed(taken.to), undefined);
  assert.deepEqual(await listed(free.to), via);
  await routes.change({ set: [], remove: [free, free] });
  await run("ip", ["link", "delete", "machine"]);
});

test("a node is asked: it serves, it refuses, it is silent", async () => {
  const { probe } = routes;
  const proxy = createServer().listen(10256);
  assert.equal(await probe(lab.hostAddress), "serving");
  proxy.close();
  assert.equal(await probe(nodeAddress(0)), "refused");
  await run("ip", ["link", "set", "v1", "down"]);
  assert.equal(await probe(nodeAddress(1)), "silent");
  await run("ip", ["link", "set", "v1", "up"]);
});

test("what entered by a node stays with it while it lives; other clusters' nodes are none of ours", async () => {
  const [one = "", two = ""] = [nodeAddress(0), nodeAddress(1)];
  const marks: [mark: number, gateway: string, link: string][] = [
    [0x504c0001, one, "br-lab"],
    [0x504c0002, two, "br-lab"],
    [0x504c0101, "172.31.0.2", "other"],
  ];
  await run("ip", ["link", "add", "other", "type", "bridge"]);
  await run("ip", ["address", "add", "172.31.0.1/24", "dev", "other"]);
  await run("ip", ["link", "set", "other", "up"]);
  await run("ip", ["route", "replace", "172.30.200.0/24", "via", two]);
  for (const [mark, gateway, link] of marks) {
    await run("ip", ["rule", "add", "fwmark", `${mark}`, "lookup", `${mark}`, "pref", "30000"]);
    const way = ["via", gateway, "dev", link, "table", `${mark}`, "metric", "10"];
    await run("ip", ["route", "add", "default", ...way]);
  }
  const ways = (): Promise<string[]> =>
    Promise.all(
      marks.map(
        async ([mark]) =>
          JSON.parse(await run("ip", ["-json", "route", "get", "172.30.200.99", "mark", `${mark}`]))[0]
            .gateway,
      ),
    );
  try {
    await routes.keepEntries([one, two]);
    assert.deepEqual(await ways(), [one, two, "172.31.0.2"]);
    await routes.keepEntries([two]);
    assert.deepEqual(await ways(), [two, two, "172.31.0.2"]);
    await routes.keepEntries([two]);
    await routes.keepEntries([one, two]);
    assert.deepEqual(await ways(), [one, two, "172.31.0.2"]);
  } finally {
    for (const [mark] of marks) await run("ip", ["rule", "delete", "fwmark", `${mark}`]);
    await run("ip", ["link", "delete", "other"]);
  }
});
