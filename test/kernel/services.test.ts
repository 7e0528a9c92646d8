// What the service table does with real packets: one row a feature of the Service API.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { run } from "../../src/edge/command/mod.ts";
import { type Answer, inPlace, type Lab, nodeAddress, openLab, type Place } from "./lab.ts";
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
const pick = ({ name, client }: Answer): Answer => ({ name, client }) as Answer;

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

describe("traffic policies", () => {
  const ports = [{ port: 80, nodePort: 30080 }];
  test("externalTrafficPolicy Local: own endpoints only, the client's address kept", async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    const vip = "172.30.200.7";
    await kernel.program(
      [service("web", ip, { type: "LoadBalancer", externalTrafficPolicy: "Local", ports, vips: [vip] })],
      [slice("web", [a0!, a1!])],
    );
    for (const [address, port] of [
      [nodeAddress(0), 30080],
      [vip, 80],
    ] as const)
      for (let i = 0; i < 6; i++)
        assert.deepEqual(pick(await lab.host.dial(address, port)), { name: "a0", client: lab.hostAddress });
    assert.deepEqual(pick(await lab.host.dial(nodeAddress(1), 30080)), {
      name: "a1",
      client: lab.hostAddress,
    });
    // From inside, the addresses mean the whole Service.
    await reached(b0!, vip, 80, ["a0", "a1"]);
    await reached(b0!, nodeAddress(0), 30080, ["a0", "a1"]);
    await reached(lab.node[0]!, vip, 80, ["a0", "a1"]);
    await reached(lab.host, ip, 80, ["a0", "a1"]);
  });
  test("externalTrafficPolicy Local without an endpoint here: silence from outside, served from inside", async () => {
    const { b0, a1 } = lab.pod as Record<string, Place>;
    await kernel.program(
      [service("web", ip, { type: "NodePort", externalTrafficPolicy: "Local", ports })],
      [slice("web", [a1!])],
    );
    assert.deepEqual(await lab.host.dial(nodeAddress(0), 30080), { error: "timeout" });
    assert.equal((await b0!.dial(nodeAddress(0), 30080)).name, "a1");
    await kernel.program(
      [service("web", ip, { type: "NodePort", externalTrafficPolicy: "Local", ports })],
      [],
    );
    assert.deepEqual(await lab.host.dial(nodeAddress(0), 30080), { error: "ECONNREFUSED" });
  });
  test("internalTrafficPolicy Local: own endpoints only, else silence", async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    const local = service("web", ip, { internalTrafficPolicy: "Local" });
    await kernel.program([local], [slice("web", [a0!, a1!])]);
    for (let i = 0; i < 6; i++) assert.equal((await b0!.dial(ip, 80)).name, "a0");
    await kernel.program([local], [slice("web", [a1!])]);
    assert.deepEqual(await b0!.dial(ip, 80), { error: "timeout" });
    assert.equal((await a1!.dial(ip, 80)).name, "a1");
  });
});

describe("LoadBalancer and externalIPs", () => {
  const vip = "172.30.200.7";
  test("an address from the pool, the source masqueraded", async () => {
    const { a0, a1 } = lab.pod as Record<string, Place>;
    await kernel.program(
      [service("web", ip, { type: "LoadBalancer", vips: [vip] })],
      [slice("web", [a0!, a1!])],
    );
    for (const p of [lab.host, a0!, a1!, lab.node[1]!]) await reached(p, vip, 80, ["a0", "a1"]);
  });
  test("a port that nobody serves is refused, an address of nobody is silent; neither goes round in circles", async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    await kernel.program([service("web", ip, { type: "LoadBalancer", vips: [vip] })], [slice("web", [a0!])]);
    for (const p of [lab.host, b0!, a1!, lab.node[0]!]) {
      assert.deepEqual(await p.dial(vip, 81), { error: "ECONNREFUSED" }, p.name);
      assert.deepEqual(await p.dial(vip, 81, { proto: "udp" }), { error: "ECONNREFUSED" }, p.name);
      assert.deepEqual(await p.dial("172.30.200.99", 80), { error: "timeout" }, p.name);
    }
  });
  test("loadBalancerSourceRanges let in who is inside, and only guard that address", async () => {
    const { a0, b0 } = lab.pod as Record<string, Place>;
    await kernel.program(
      [
        service("web", ip, {
          type: "LoadBalancer",
          vips: [vip],
          loadBalancerSourceRanges: ["10.244.0.3/32", "10.99.0.0/16"],
        }),
      ],
      [slice("web", [a0!])],
    );
    assert.equal((await b0!.dial(vip, 80)).name, "a0");
    assert.deepEqual(await a0!.dial(vip, 80), { error: "timeout" });
    assert.deepEqual(await lab.host.dial(vip, 80), { error: "timeout" });
    assert.equal((await lab.host.dial(ip, 80)).name, "a0");
  });
  test("ranges guard the cluster's own pods and nodes too, with policy Local as well; other addresses and node ports stay open", async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    const external = "172.30.200.9";
    for (const externalTrafficPolicy of ["Cluster", "Local"]) {
      const web = service("web", ip, {
        type: "LoadBalancer",
        vips: [vip],
        externalIPs: [external],
        ports: [{ port: 80, nodePort: 30080 }],
        externalTrafficPolicy,
        loadBalancerSourceRanges: [`${b0!.address}/32`],
      });
      await kernel.program([web], [slice("web", [a0!, a1!])]);
      await reached(b0!, vip, 80, ["a0", "a1"]);
      for (const p of [a0!, a1!, lab.node[0]!, lab.node[1]!, lab.host])
        assert.deepEqual(await p.dial(vip, 80), { error: "timeout" }, `${p.name} ${externalTrafficPolicy}`);
      for (const p of [a0!, lab.node[0]!, lab.host]) {
        assert.ok((await p.dial(external, 80)).name, `${p.name} ${externalTrafficPolicy}`);
        assert.ok((await p.dial(nodeAddress(0), 30080)).name, `${p.name} ${externalTrafficPolicy}`);
      }
      // Shut out comes before refused.
      await kernel.program([web], []);
      assert.deepEqual(await a0!.dial(vip, 80), { error: "timeout" });
      assert.deepEqual(await b0!.dial(vip, 80), { error: "ECONNREFUSED" });
    }
  });
  test("ranges of the other family only guard nothing of this one", async () => {
    await kernel.program(
      [
        service("web", ip, {
          type: "LoadBalancer",
          vips: [vip],
          loadBalancerSourceRanges: ["2001:db8::/32"],
        }),
      ],
      [slice("web", [lab.pod.a0!])],
    );
    for (const p of [lab.host, lab.pod.b0!, lab.pod.a1!, lab.node[0]!])
      assert.equal((await p.dial(vip, 80)).name, "a0", p.name);
  });
  test("a node that has the load balancer's address itself is let in with its own", async () => {
    const own = (verb: string): Promise<string> => {
      const [file = "", ...args] = [
        ...inPlace(lab.node[0]!),
        "ip",
        "address",
        verb,
        `${vip}/32`,
        "dev",
        "lo",
      ];
      return run(file, args);
    };
    const guarded = (range: string) =>
      service("web", ip, { type: "LoadBalancer", vips: [vip], loadBalancerSourceRanges: [range] });
    await own("add");
    try {
      await kernel.program([guarded("172.30.0.0/24")], [slice("web", [lab.pod.a0!])]);
      assert.equal((await lab.node[0]!.dial(vip, 80)).name, "a0");
      await kernel.program([guarded("10.0.0.0/8")], [slice("web", [lab.pod.a0!])]);
      assert.deepEqual(await lab.node[0]!.dial(vip, 80), { error: "timeout" });
    } finally {
      await own("del");
    }
  });
  test("an external address; without endpoints it refuses", async () => {
    const { a0 } = lab.pod as Record<string, Place>;
    const web = service("web", ip, { externalIPs: ["172.30.200.9"] });
    await kernel.program([web], [slice("web", [a0!])]);
    assert.equal((await lab.host.dial("172.30.200.9", 80)).name, "a0");
    await kernel.program([web], []);
    assert.deepEqual(await lab.host.dial("172.30.200.9", 80), { error: "ECONNREFUSED" });
  });
  test("an external address from everywhere, the source masqueraded; its other ports are left alone", async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    await kernel.program([service("web", ip, { externalIPs: ["203.0.113.9"] })], [slice("web", [a0!, a1!])]);
    for (const p of [b0!, a1!, lab.node[0]!, lab.node[1]!])
      for (const a of await reached(p, "203.0.113.9", 80, ["a0", "a1"]))
        if (!lab.node.includes(p)) assert.notEqual(a.client, p.address);
    assert.equal((await b0!.dial("203.0.113.9", 81)).name, undefined);
  });
  test("externalTrafficPolicy Local of an external address: own endpoints only, the client's address kept", async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    const web = service("web", ip, { externalIPs: [vip], externalTrafficPolicy: "Local" });
    await kernel.program([web], [slice("web", [a0!, a1!])]);
    for (let i = 0; i < 6; i++)
      assert.deepEqual(pick(await lab.host.dial(vip, 80)), { name: "a0", client: lab.hostAddress });
    await reached(b0!, vip, 80, ["a0", "a1"]);
    await kernel.program([web], [slice("web", [a1!])]);
    assert.deepEqual(await lab.host.dial(vip, 80), { error: "timeout" });
  });
  test("an external address that is a node's own: only the Service's port is taken", async () => {
    const { a1 } = lab.pod as Record<string, Place>;
    const web = service("web", ip, { externalIPs: [nodeAddress(0)], ports: [{ port: 80 }] });
    await kernel.program([web], [slice("web", [a1!])]);
    for (const p of [lab.host, lab.pod.b0!, lab.node[1]!]) {
      assert.equal((await p.dial(nodeAddress(0), 80)).name, "a1", p.name);
      assert.equal((await p.dial(nodeAddress(0), 81)).name, "n0", p.name);
    }
    await kernel.program([], []);
    assert.equal((await lab.host.dial(nodeAddress(0), 80)).name, "n0");
  });
});

describe("endpoints that come and go", () => {
  test("terminating endpoints serve when only they are left", async () => {
    const { a0, b0 } = lab.pod as Record<string, Place>;
    const web = service("web", ip);
    const leaving = { place: a0!, ready: false, serving: true, terminating: true };
    await kernel.program([web], [slice("web", [leaving, b0!])]);
    for (let i = 0; i < 8; i++) assert.equal((await lab.host.dial(ip, 80)).name, "b0");
    await kernel.program([web], [slice("web", [leaving, { place: b0!, ready: false }])]);
    assert.equal((await lab.host.dial(ip, 80)).name, "a0");
    await kernel.program([web], [slice("web", [{ ...leaving, serving: false }])]);
    assert.deepEqual(await lab.host.dial(ip, 80), { error: "ECONNREFUSED" });
  });
  test("an open TCP connection outlives its endpoint's removal and the Service's", async () => {
    const { a0, b0 } = lab.pod as Record<string, Place>;
    const web = service("web", ip);
    await kernel.program([web], [slice("web", [a0!])]);
    const open = await b0!.hold(ip, 80);
    assert.equal(open.first.name, "a0");
    await kernel.program([web], []);
    assert.equal((await open.ask()).name, "a0");
    assert.deepEqual(await b0!.dial(ip, 80), { error: "ECONNREFUSED" });
    await kernel.program([], []);
    assert.equal((await open.ask()).name, "a0");
  });
  test("two Services on one external address: the first has it, then the other", async () => {
    const { a0, b0 } = lab.pod as Record<string, Place>;
    const one = service("one", ip, { externalIPs: ["172.30.200.9"] });
    const two = service("two", "10.96.0.51", { externalIPs: ["172.30.200.9"] });
    const slices = [slice("one", [a0!]), slice("two", [b0!])];
    await kernel.program([one, two], slices);
    assert.equal((await lab.host.dial("172.30.200.9", 80)).name, "a0");
    await kernel.program([two], slices);
    assert.equal((await lab.host.dial("172.30.200.9", 80)).name, "b0");
  });
});
