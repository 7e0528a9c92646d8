// SCTP through every kind of address, beside TCP and UDP on the same number.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Pod } from "../../src/core/api/types.ts";
import { resolveHostPorts } from "../../src/core/network/mod.ts";
import { isEmptyChange, printChange } from "../../src/core/nft/mod.ts";
import { createNftTables } from "../../src/edge/nft/mod.ts";
import { type Answer, inPlace, type Lab, nodeAddress, openLab, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProgrammer, type Programmer } from "./programmer.ts";
import { dialSctp, serveSctp } from "./sctp.ts";

let lab: Lab;
let kernel: Programmer;
const servers: { close(): void }[] = [];
before(async () => {
  lab = await openLab([["a0", "b0"], ["a1"]]);
  kernel = await openProgrammer(lab);
  for (const p of [lab.pod.a0!, lab.pod.b0!, lab.pod.a1!, lab.node[1]!]) servers.push(await serveSctp(p));
});
after(async () => {
  for (const s of servers) s.close();
  await lab?.close();
});
beforeEach(() => kernel.program([], []));

const ip = "10.96.0.50";
const vip = "172.30.200.7";
/** One number, three protocols, three target ports. */
const web = () =>
  service("web", ip, {
    type: "LoadBalancer",
    vips: [vip],
    ports: [
      { name: "t", port: 53, nodePort: 30053 },
      { name: "u", port: 53, nodePort: 30053, protocol: "UDP" },
      { name: "s", port: 53, nodePort: 30053, protocol: "SCTP" },
    ],
  });
const over = (...places: Place[]) =>
  slice("web", places, [
    { name: "t", port: 81 },
    { name: "u", port: 8080, protocol: "UDP" },
    { name: "s", port: 9999, protocol: "SCTP" },
  ]);

const ways: [string, string, number][] = [
  ["cluster IP", ip, 53],
  ["load balancer", vip, 53],
  ["node port", nodeAddress(0), 30053],
];

for (const [how, address, port] of ways)
  test(`${how}: TCP, UDP and SCTP on one number, each to its own target port`, async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    await kernel.program([web()], [over(a0!)]);
    for (const from of [b0!, a1!, lab.host, lab.node[0]!]) {
      const answer = await dialSctp(from, address, port);
      assert.deepEqual([answer.name, answer.port], ["a0", 9999], `${from.name}: ${JSON.stringify(answer)}`);
      for (const proto of ["tcp", "udp"] as const)
        assert.equal((await from.dial(address, port, { proto })).name, "a0", `${from.name} ${proto}`);
    }
  });

test("a pod keeps its address, everybody else is masqueraded; a pod reaches itself; endpoints share", async () => {
  const { a0, b0, a1 } = lab.pod as Record<string, Place>;
  await kernel.program([web()], [over(a0!)]);
  assert.equal((await dialSctp(b0!, ip, 53)).client, b0!.address);
  assert.equal((await dialSctp(a1!, ip, 53)).client, a1!.address);
  assert.notEqual((await dialSctp(lab.host, ip, 53)).client, lab.hostAddress);
  const own = await dialSctp(a0!, ip, 53);
  assert.equal(own.name, "a0");
  assert.notEqual(own.client, a0!.address);
  await kernel.program([web()], [over(a0!, b0!, a1!)]);
  const seen = new Set<string | undefined>();
  for (let i = 0; i < 60 && seen.size < 3; i++) seen.add((await dialSctp(lab.host, ip, 53)).name);
  assert.deepEqual([...seen].sort(), ["a0", "a1", "b0"]);
});

for (const [how, address, port] of ways)
  test(`${how} without endpoints: refused at once, in each protocol`, async () => {
    await kernel.program([web()], []);
    const refused: Answer = { error: "ECONNREFUSED" };
    for (const from of [lab.pod.b0!, lab.pod.a1!, lab.host, lab.node[0]!]) {
      assert.deepEqual(await dialSctp(from, address, port), refused, from.name);
      for (const proto of ["tcp", "udp"] as const)
        assert.deepEqual(await from.dial(address, port, { proto }), refused, `${from.name} ${proto}`);
    }
  });

test("client affinity holds for SCTP too", async () => {
  const { a0, b0, a1 } = lab.pod as Record<string, Place>;
  await kernel.program(
    [service("web", ip, { sessionAffinity: "ClientIP", ports: [{ name: "s", port: 53, protocol: "SCTP" }] })],
    [over(a0!, b0!, a1!)],
  );
  const seen = new Set<string | undefined>();
  for (let i = 0; i < 12; i++) seen.add((await dialSctp(lab.host, ip, 53)).name);
  assert.equal(seen.size, 1);
  assert.ok(!seen.has(undefined));
});

test("host ports: SCTP beside TCP of another pod on the same number", async () => {
  const { a0, b0, a1 } = lab.pod as Record<string, Place>;
  const plan = kernel.plans[0]!;
  const pod = (p: Place, protocol: string, containerPort: number): Pod =>
    ({
      metadata: { namespace: "default", name: p.name },
      spec: {
        nodeName: "n0",
        containers: [{ name: "c", ports: [{ containerPort, hostPort: 5432, protocol }] }],
      },
      status: { podIP: p.address, phase: "Running" },
    }) as Pod;
  plan.set("host-ports:default/a0", resolveHostPorts(pod(a0!, "SCTP", 7777), plan.facts));
  plan.set("host-ports:default/b0", resolveHostPorts(pod(b0!, "TCP", 80), plan.facts));
  const change = plan.take();
  assert.ok(!isEmptyChange(change));
  const nft = createNftTables({ prefix: inPlace(lab.node[0]!) });
  await nft.apply(printChange(change));
  nft.close();
  for (const from of [lab.host, a1!, b0!]) {
    const answer = await dialSctp(from, nodeAddress(0), 5432);
    assert.deepEqual([answer.name, answer.port], ["a0", 7777], from.name);
    assert.equal((await from.dial(nodeAddress(0), 5432)).name, "b0");
  }
});
