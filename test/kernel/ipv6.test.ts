// The IPv6 table with real packets: the same chains as IPv4's, so the rows are fewer.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";
import { type Lab, nodeAddress6, openLab, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProgrammer, type Programmer } from "./programmer.ts";

let lab: Lab;
let kernel: Programmer;
before(async () => {
  lab = await openLab([["a0", "b0"], ["a1"]]);
  kernel = await openProgrammer(lab, "ip6");
});
after(() => lab?.close());
beforeEach(() => kernel.program([], []));

const ip = "fd00:96::50";
const dual = (more: object = {}): Service =>
  service("web", "10.96.0.50", { clusterIPs: ["10.96.0.50", ip], ...more });
function over(...places: Place[]): EndpointSlice {
  const s = slice("web", places);
  return {
    ...s,
    addressType: "IPv6",
    endpoints: s.endpoints!.map((e, i) => ({ ...e, addresses: [places[i]!.address6] })),
  };
}

async function reached(from: Place, address: string, port: number, want: string[]): Promise<Set<string>> {
  const clients = new Set<string>();
  const names = new Set<string>();
  for (let i = 0; i < 60 && names.size < want.length; i++) {
    const a = await from.dial(address, port, { timeoutMs: 1000 });
    names.add(a.name ?? a.error!);
    clients.add(a.client ?? "");
  }
  assert.deepEqual([...names].sort(), [...want].sort(), `${from.name} to ${address}`);
  return clients;
}

test("cluster IP: from a pod with its own address, from node, host and another node", async () => {
  const { a0, b0, a1 } = lab.pod as Record<string, Place>;
  await kernel.program([dual()], [over(a0!, a1!)]);
  assert.deepEqual([...(await reached(b0!, ip, 80, ["a0", "a1"]))], [b0!.address6]);
  for (const p of [lab.node[0]!, lab.host, a1!]) await reached(p, ip, 80, ["a0", "a1"]);
});

test("hairpin, refusal, silence", async () => {
  const { a0, b0 } = lab.pod as Record<string, Place>;
  await kernel.program([dual()], [over(a0!)]);
  const own = await a0!.dial(ip, 80);
  assert.equal(own.name, "a0");
  assert.notEqual(own.client, a0!.address6);
  assert.deepEqual(await b0!.dial(ip, 81), { error: "ECONNREFUSED" });
  await kernel.program([dual()], []);
  for (const p of [b0!, lab.host, lab.node[0]!]) {
    assert.deepEqual(await p.dial(ip, 80), { error: "ECONNREFUSED" }, p.name);
    assert.deepEqual(await p.dial(ip, 80, { proto: "udp" }), { error: "ECONNREFUSED" }, p.name);
  }
  assert.deepEqual(await b0!.dial("fd00:96::51", 80), { error: "timeout" });
});

test("node ports: masqueraded with policy Cluster, the client's address with Local", async () => {
  const { a0, b0, a1 } = lab.pod as Record<string, Place>;
  const ports = [{ port: 80, nodePort: 30080 }];
  await kernel.program([dual({ type: "NodePort", ports })], [over(a0!, a1!)]);
  const seen = await reached(lab.host, nodeAddress6(0), 30080, ["a0", "a1"]);
  assert.ok(!seen.has(lab.host.address6), [...seen].join());
  await kernel.program([dual({ type: "NodePort", ports, externalTrafficPolicy: "Local" })], [over(a0!, a1!)]);
  assert.deepEqual([...(await reached(lab.host, nodeAddress6(0), 30080, ["a0"]))], [lab.host.address6]);
  await reached(b0!, nodeAddress6(0), 30080, ["a0", "a1"]);
});

test("source ranges: of this family they guard, of the other alone they leave it open", async () => {
  const { a0, b0 } = lab.pod as Record<string, Place>;
  const vip = "fd00:200::7";
  const guarded = (...loadBalancerSourceRanges: string[]) =>
    dual({ type: "LoadBalancer", vips: [vip], loadBalancerSourceRanges });
  await kernel.program([guarded(`${b0!.address6}/128`)], [over(a0!)]);
  assert.equal((await b0!.dial(vip, 80)).name, "a0");
  assert.deepEqual(await lab.host.dial(vip, 80), { error: "timeout" });
  await kernel.program([guarded("192.0.2.0/24")], [over(a0!)]);
  for (const p of [b0!, lab.host]) assert.equal((await p.dial(vip, 80)).name, "a0", p.name);
});
