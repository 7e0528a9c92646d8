// UDP flows against the tables: whatever was missed or came in an unlucky order, a client that goes on sending from one port
// reaches an endpoint that is wanted now, or is refused.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import * as refs from "../../src/core/api/refs.ts";
import type { Service } from "../../src/core/api/types.ts";
import { nodeAddress, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProxyRig } from "./proxy-rig.ts";

const rig = openProxyRig([["a0", "b0"], ["a1"]], 20_000);
const { start, end, onNode, becomes } = rig;

const ip = "10.96.0.50";
const vip = "172.30.200.7";
const external = "172.30.200.9";
const ports = [{ port: 53, protocol: "UDP", nodePort: 30053 }];
const balancer = (more: object = {}): Service =>
  service("web", ip, { type: "LoadBalancer", vips: [vip], externalIPs: [external], ports, ...more });
const over = (name: string, ...places: Place[]) => slice(name, places, [{ port: 8080, protocol: "UDP" }]);
/** Always the same source port: one flow. */
const flow = (from: Place, address: string, port: number) => () =>
  from.dial(address, port, { proto: "udp", fromPort: 40000 });

const ways: [string, string, number][] = [
  ["cluster IP", ip, 53],
  ["node port", nodeAddress(0), 30053],
  ["load balancer", vip, 53],
  ["external IP", external, 53],
];
const clients: [string, () => Place][] = [
  ["a pod", () => rig.lab.pod.b0!],
  ["a pod of another node", () => rig.lab.pod.a1!],
  ["a host-network pod", () => rig.lab.node[0]!],
  ["the host", () => rig.lab.host],
];

for (const [how, address, port] of ways)
  for (const [who, from] of clients)
    test(`${how} from ${who}: begins before the endpoint, moves, ends with the last`, async () => {
      const { a0, a1 } = rig.lab.pod as Record<string, Place>;
      const dial = flow(from(), address, port);
      rig.api.put(refs.services, balancer());
      await start();
      await becomes("ECONNREFUSED", dial);
      rig.api.put(refs.endpointSlices, over("web", a0!));
      await becomes("a0", dial);
      rig.api.put(refs.endpointSlices, over("web", a1!));
      await becomes("a1", dial);
      rig.api.put(refs.endpointSlices, over("web"));
      await becomes("ECONNREFUSED", dial);
    });

describe("an endpoint that ends", () => {
  const over2 = (a: object, ...rest: Place[]) =>
    slice("web", [{ place: rig.lab.pod.a0!, ...a }, ...rest], [{ port: 8080, protocol: "UDP" }]);
  const ending = { ready: false, serving: true, terminating: true };
  const ended = { ready: false, serving: false, terminating: true };

  for (const [how, address, port] of ways)
    test(`${how}: flows stay while it serves, new ones go elsewhere, and all leave when it stops`, async () => {
      const { b0 } = rig.lab.pod as Record<string, Place>;
      const dial = flow(rig.lab.host, address, port);
      rig.api.put(refs.services, balancer());
      rig.api.put(refs.endpointSlices, over2({}));
      const { listings } = await start();
      await becomes("a0", dial);
      const looks = listings.flows;
      rig.api.put(refs.endpointSlices, over2(ending, b0!));
      await becomes("b0", () => rig.lab.host.dial(address, port, { proto: "udp" }));
      while (listings.flows < looks + 2) await new Promise((r) => setTimeout(r, 50));
      for (let i = 0; i < 4; i++) assert.equal((await dial()).name, "a0");
      rig.api.put(refs.endpointSlices, over2(ended, b0!));
      await becomes("b0", dial);
    });

  test("alone it keeps its flows; when it stops serving they are refused", async () => {
    const dial = flow(rig.lab.host, ip, 53);
    rig.api.put(refs.services, balancer());
    rig.api.put(refs.endpointSlices, over2({}));
    await start();
    await becomes("a0", dial);
    rig.api.put(refs.endpointSlices, over2(ending));
    for (let i = 0; i < 4; i++) assert.equal((await dial()).name, "a0");
    rig.api.put(refs.endpointSlices, over2(ended));
    await becomes("ECONNREFUSED", dial);
  });

  test("a flow stays with an endpoint that policy Local would not choose; a new one does not go there", async () => {
    const { a1 } = rig.lab.pod as Record<string, Place>;
    const dial = flow(rig.lab.host, vip, 53);
    const another = () => rig.lab.host.dial(vip, 53, { proto: "udp", timeoutMs: 200 });
    rig.api.put(refs.services, balancer());
    rig.api.put(refs.endpointSlices, over("web", a1!));
    const { listings } = await start();
    await becomes("a1", dial);
    const looks = listings.flows;
    rig.api.put(refs.services, balancer({ externalTrafficPolicy: "Local" }));
    await becomes("timeout", another);
    while (listings.flows < looks + 2) await new Promise((r) => setTimeout(r, 50));
    assert.equal((await dial()).name, "a1");
  });
});

describe("with client affinity", () => {
  test("a flow leaves an endpoint that is gone and stays with the next", async () => {
    const { a0, b0 } = rig.lab.pod as Record<string, Place>;
    const dial = flow(rig.lab.host, ip, 53);
    rig.api.put(refs.services, balancer({ sessionAffinity: "ClientIP" }));
    rig.api.put(refs.endpointSlices, over("web", a0!));
    await start();
    await becomes("a0", dial);
    rig.api.put(refs.endpointSlices, over("web", b0!));
    await becomes("b0", dial);
    rig.api.put(refs.endpointSlices, over("web", a0!, b0!));
    for (let i = 0; i < 8; i++) assert.equal((await dial()).name, "b0");
  });
});

test("IPv6: a flow moves to a living endpoint and ends with the last", async () => {
  const { a0, b0 } = rig.lab.pod as Record<string, Place>;
  const ip6 = "fd00:96::50";
  const over6 = (...places: Place[]) => {
    const s = over("web", ...places);
    s.addressType = "IPv6";
    s.endpoints = s.endpoints!.map((e, i) => ({ ...e, addresses: [places[i]!.address6] }));
    return s;
  };
  rig.api.put(refs.services, balancer({ clusterIPs: [ip, ip6], ipFamilies: ["IPv4", "IPv6"] }));
  rig.api.put(refs.endpointSlices, over6(a0!));
  await start({ dual: true });
  for (const dial of [flow(rig.lab.host, ip6, 53), flow(rig.lab.node[0]!, ip6, 53)]) {
    rig.api.put(refs.endpointSlices, over6(a0!));
    await becomes("a0", dial);
    rig.api.put(refs.endpointSlices, over6(b0!));
    await becomes("b0", dial);
    rig.api.put(refs.endpointSlices, over6());
    await becomes("ECONNREFUSED", dial);
  }
});

describe("without an event", () => {
  test("a cluster IP that another Service has now", async () => {
    const { a0, b0 } = rig.lab.pod as Record<string, Place>;
    const dial = flow(rig.lab.pod.a1!, ip, 53);
    const host = flow(rig.lab.host, ip, 53);
    rig.api.put(refs.services, balancer());
    rig.api.put(refs.endpointSlices, over("web", a0!));
    await start();
    await becomes("a0", dial);
    await becomes("a0", host);
    await end();
    rig.api.remove(refs.services, "default/web");
    rig.api.remove(refs.endpointSlices, "default/web-1");
    rig.api.put(refs.services, service("other", ip, { ports: [{ port: 53, protocol: "UDP" }] }));
    rig.api.put(refs.endpointSlices, over("other", b0!));
    await start();
    await becomes("b0", dial);
    await becomes("b0", host);
  });

  for (const [how, address, port] of ways)
    test(`${how}: the Service went while no proxy ran`, async () => {
      const dial = flow(rig.lab.host, address, port);
      rig.api.put(refs.services, balancer());
      rig.api.put(refs.endpointSlices, over("web", rig.lab.pod.a0!));
      await start();
      await becomes("a0", dial);
      await end();
      rig.api.remove(refs.services, "default/web");
      await start();
      // The flow goes on all the time: each packet would renew it.
      await becomes(port === 53 ? "timeout" : "ECONNREFUSED", dial);
    });

  test("a flow that was tracked though nobody translated it", async () => {
    rig.api.put(refs.services, balancer());
    rig.api.put(refs.endpointSlices, over("web", rig.lab.pod.a0!));
    await start();
    await onNode(
      ...["conntrack", "-I", "-p", "udp", "-t", "300", "-s", rig.lab.pod.b0!.address, "-d", ip],
      ...["--sport", "40000", "--dport", "53", "-r", ip, "-q", rig.lab.pod.b0!.address],
      ...["--reply-port-src", "53", "--reply-port-dst", "40000"],
    );
    assert.equal((await flow(rig.lab.pod.b0!, ip, 53)()).error, "timeout");
    await becomes("a0", flow(rig.lab.pod.b0!, ip, 53));
  });
});

test("10,000 UDP Services and 100,000 flows: the right ones go, the rest stay, and looking is bounded", {
  timeout: 120_000,
}, async (t) => {
  const { a0, b0 } = rig.lab.pod as Record<string, Place>;
  const quad = (n: number): string => `10.97.${n >> 8}.${n & 255}`;
  for (let i = 0; i < 10_000; i++) {
    rig.api.put(refs.services, service(`s${i}`, quad(i), { ports: [{ port: 53, protocol: "UDP" }] }));
    rig.api.put(refs.endpointSlices, over(`s${i}`, a0!, b0!));
  }
  const { listings } = await start();
  const lines: string[] = Array.from({ length: 100_000 }, (_, i) => {
    const client = `10.244.${(i >> 14) & 7}.${(i >> 7) & 127}`;
    const endpoint = i % 2 ? a0!.address : b0!.address;
    const port = 1024 + (i % 60_000);
    return `-I -p udp -t 300 -m 1048577 -s ${client} -d ${quad(i % 10_000)} --sport ${port} --dport 53 -r ${endpoint} -q ${client} --reply-port-src 8080 --reply-port-dst ${port}\n`;
  });
  const file = join(mkdtempSync(join(tmpdir(), "portolan-flows-")), "flows");
  writeFileSync(file, lines.join(""));
  await onNode("conntrack", "-R", file);
  rmSync(dirname(file), { recursive: true });
  const count = async (): Promise<number> => Number(await onNode("conntrack", "-C"));
  assert.ok((await count()) >= 100_000);
  const before = listings.flows;
  const cpu = process.cpuUsage();
  const begin = performance.now();
  // One endpoint fewer in fifty Services, one after another.
  for (let i = 0; i < 50; i++) {
    rig.api.put(refs.endpointSlices, over(`s${2 * i}`, a0!));
    await new Promise((r) => setTimeout(r, 20));
  }
  const gone = 50 * 10;
  while ((await count()) > 100_000 - gone + 20 && performance.now() - begin < 60_000)
    await new Promise((r) => setTimeout(r, 200));
  const took = Math.round(performance.now() - begin);
  const { user, system } = process.cpuUsage(cpu);
  t.diagnostic(
    `${gone} flows of 50 Services gone after ${took} ms, ${listings.flows - before} looks, ${Math.round((user + system) / 1000)} ms of processor time`,
  );
  const left = await count();
  assert.ok(left <= 100_000 - gone + 20 && left >= 100_000 - gone, `${left} flows are left`);
  assert.ok(listings.flows - before < 25, `${listings.flows - before} looks`);
});
