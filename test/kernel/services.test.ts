// What the service table does with real packets: one row a feature of the Service API.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Answer, type Lab, nodeAddress, openLab, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { openProgrammer, type Programmer } from "./programmer.ts";

let lab: Lab;
let kernel: Programmer;
before(async () => {
  lab = await openLab([["a0", "b0"], ["a1"]]);
  kernel = await openProgrammer(lab);
});
after(() => lab?.close());
beforeEach(() => kernel.program([], []));

/** Dials until every expected endpoint has answered, at most `limit` times; the answers' names, sorted. */
async function reached(
  from: Place,
  address: string,
  port: number,
  want: string[],
  limit = 60,
): Promise<Answer[]> {
  const seen = new Map<string, Answer>();
  for (let i = 0; i < limit && seen.size < want.length; i++) {
    const a = await from.dial(address, port);
    seen.set(a.name ?? a.error!, a);
  }
  assert.deepEqual([...seen.keys()].sort(), [...want].sort());
  return [...seen.values()];
}
const ip = "10.96.0.50";

describe("ClusterIP", () => {
  const clients: [string, () => Place, string | undefined][] = [
    ["a pod", () => lab.pod.b0!, "10.244.0.3"],
    ["the node", () => lab.node[0]!, undefined],
    ["a pod of another node", () => lab.pod.a1!, "10.244.1.2"],
    ["the host", () => lab.host, undefined],
  ];
  for (const [who, place, source] of clients)
    test(`reached from ${who}`, async () => {
      await kernel.program([service("web", ip)], [slice("web", [lab.pod.a0!])]);
      const [a] = await reached(place(), ip, 80, ["a0"]);
      if (source) assert.equal(a!.client, source);
    });
  test("spreads over endpoints on two nodes", async () => {
    await kernel.program([service("web", ip)], [slice("web", [lab.pod.a0!, lab.pod.b0!, lab.pod.a1!])]);
    for (const p of [lab.pod.a0!, lab.node[0]!, lab.node[1]!, lab.host])
      await reached(p, ip, 80, ["a0", "a1", "b0"]);
  });
  test("a port and its target port differ; TCP and UDP share a number", async () => {
    await kernel.program(
      [
        service("web", ip, {
          ports: [
            { name: "t", port: 53, targetPort: 81 },
            { name: "u", port: 53, protocol: "UDP" },
          ],
        }),
      ],
      [
        slice(
          "web",
          [lab.pod.a0!],
          [
            { name: "t", port: 81 },
            { name: "u", port: 8080, protocol: "UDP" },
          ],
        ),
      ],
    );
    assert.equal((await lab.pod.b0!.dial(ip, 53)).name, "a0");
    assert.equal((await lab.pod.b0!.dial(ip, 53, { proto: "udp" })).name, "a0");
  });
  test("no endpoints, an unused port: refused at once; an unused address: silence", async () => {
    await kernel.program([service("web", ip)], []);
    for (const p of [lab.pod.a0!, lab.node[0]!, lab.host, lab.pod.a1!]) {
      assert.deepEqual(await p.dial(ip, 80), { error: "ECONNREFUSED" }, p.name);
      assert.deepEqual(await p.dial(ip, 80, { proto: "udp" }), { error: "ECONNREFUSED" }, p.name);
      assert.deepEqual(await p.dial(ip, 81), { error: "ECONNREFUSED" }, p.name);
    }
    assert.deepEqual(await lab.pod.a0!.dial("10.96.0.51", 80), { error: "timeout" });
  });
  test("hairpin: a pod reaches itself through its Service", async () => {
    await kernel.program([service("web", ip)], [slice("web", [lab.pod.a0!])]);
    const a = await lab.pod.a0!.dial(ip, 80);
    assert.equal(a.name, "a0");
    assert.notEqual(a.client, lab.pod.a0!.address);
  });
});

describe("NodePort", () => {
  const ports = [{ port: 80, nodePort: 30080 }];
  test("reached on every node from everywhere, the source masqueraded", async () => {
    await kernel.program(
      [service("web", ip, { type: "NodePort", ports })],
      [slice("web", [lab.pod.a0!, lab.pod.a1!])],
    );
    for (const n of [0, 1])
      for (const p of [lab.host, lab.pod.a0!, lab.pod.b0!, lab.pod.a1!, lab.node[0]!, lab.node[1]!])
        for (const a of await reached(p, nodeAddress(n), 30080, ["a0", "a1"]))
          assert.notEqual(a.client, lab.hostAddress);
  });
});
