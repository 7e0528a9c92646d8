// The model against the kernel: random Services, and for every address in them a real connection from everywhere that must
// end where the model says, with the source address the model says; in both families. A failing seed goes into `seeds` and
// stays there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { resolveService, routeConnection } from "../../src/core/network/mod.ts";
import type { Family } from "../../src/core/nft/mod.ts";
import { run } from "../../src/edge/command/mod.ts";
import { dialsOf, type World, type WorldPlaces, worlds } from "../support/service-world.ts";
import { inPlace, type Lab, nodeAddress, nodeAddress6, openLab, type Place } from "./lab.ts";
import { service, slice } from "./objects.ts";
import { factsOf, openProgrammer, type Programmer } from "./programmer.ts";

const seeds = [1, 20261120];
const runsPerSeed = 3;

let lab: Lab;
let kernels: Record<Family, Programmer>;
before(async () => {
  lab = await openLab([["a0", "b0"], ["a1"]]);
  kernels = { ip: await openProgrammer(lab, "ip"), ip6: await openProgrammer(lab, "ip6") };
});
after(() => lab?.close());

const numbers = {
  nodePorts: [30000, 30001, 30002, 30003, 30004, 30005],
  ports: [80, 443],
  targetPorts: [80, 8080],
  affinity: true,
};

/** What differs between the families. */
const families: Record<
  Family,
  { places: WorldPlaces; nodeAddress(i: number): string; addressOf(p: Place): string }
> = {
  ip: {
    places: {
      ...numbers,
      endpoints: [
        { address: "10.244.0.2", nodeName: "n0" },
        { address: "10.244.0.3", nodeName: "n0" },
        { address: "10.244.1.2", nodeName: "n1" },
        { address: nodeAddress(0), nodeName: "n0" },
      ],
      clusterIPs: ["10.96.0.1", "10.96.0.2", "10.96.0.3"],
      vips: ["172.30.200.1", "172.30.200.2", "172.30.200.3"],
      externalIPs: ["172.30.200.11", "172.30.200.12", "172.30.200.13"],
      sourceRanges: ["10.244.0.0/16", "172.30.0.1/32", "10.244.0.2/32", "fd00:244::/56"],
    },
    nodeAddress,
    addressOf: (p) => p.address,
  },
  ip6: {
    places: {
      ...numbers,
      endpoints: [
        { address: "fd00:244:0:1::2", nodeName: "n0" },
        { address: "fd00:244:0:1::3", nodeName: "n0" },
        { address: "fd00:244:0:2::2", nodeName: "n1" },
        { address: nodeAddress6(0), nodeName: "n0" },
      ],
      clusterIPs: ["fd00:96::1", "fd00:96::2", "fd00:96::3"],
      vips: ["fd00:200::1", "fd00:200::2", "fd00:200::3"],
      externalIPs: ["fd00:200::11", "fd00:200::12", "fd00:200::13"],
      sourceRanges: ["fd00:244::/56", "fd00:30::1/128", "fd00:244:0:1::2/128", "10.244.0.0/16"],
    },
    nodeAddress: nodeAddress6,
    addressOf: (p) => p.address6,
  },
};
const names: Record<string, string> = {
  "10.244.0.2": "a0",
  "10.244.0.3": "b0",
  "10.244.1.2": "a1",
  [nodeAddress(0)]: "n0",
  "fd00:244:0:1::2": "a0",
  "fd00:244:0:1::3": "b0",
  "fd00:244:0:2::2": "a1",
  [nodeAddress6(0)]: "n0",
};

async function compare(family: Family, world: World): Promise<void> {
  const { places, nodeAddress, addressOf } = families[family];
  await kernels[family].program(world.services, world.slices);
  for (const n of lab.node)
    await run(inPlace(n)[0]!, [...inPlace(n).slice(1), "conntrack", "-F"]).catch(() => {});
  const clients: { place: Place; node: number }[] = [
    { place: lab.host, node: 0 },
    { place: lab.pod.a0!, node: 0 },
    { place: lab.pod.b0!, node: 0 },
    { place: lab.pod.a1!, node: 1 },
    { place: lab.node[0]!, node: 0 },
  ];
  const nodes = [0, 1].map((i) => {
    const facts = factsOf(i, family);
    const routings = world.services.map(
      (s) =>
        resolveService(
          s,
          world.slices.filter((x) => x.metadata.labels!["kubernetes.io/service-name"] === s.metadata.name),
          facts,
        )!,
    );
    return { facts, routings };
  });
  const dials = clients.flatMap(({ place, node }) =>
    [0, 1].flatMap((i) =>
      dialsOf(places, nodeAddress(i))
        .filter((d) => i === 0 || d.destination === nodeAddress(1))
        .flatMap((d) =>
          (["tcp", "udp"] as const).map((proto) => ({
            place,
            proto,
            ...d,
            at: d.destination === nodeAddress(1) ? 1 : d.destination === nodeAddress(0) ? 0 : node,
          })),
        ),
    ),
  );
  await Promise.all(
    dials.map(async ({ place, proto, destination, port, at }) => {
      const { facts, routings } = nodes[at]!;
      const source = addressOf(place);
      const route = routeConnection(routings, facts, { source, destination, protocol: proto, port });
      if (route.kind === "untouched") return;
      const answer = await place.dial(destination, port, { proto, timeoutMs: 250 });
      const what = `${place.name} ${proto} ${destination}:${port} at n${at}: ${JSON.stringify(answer)}`;
      if (route.kind === "reject") assert.deepEqual(answer, { error: "ECONNREFUSED" }, what);
      else if (route.kind === "drop") assert.deepEqual(answer, { error: "timeout" }, what);
      else {
        const e = route.endpoints.find((x) => names[x.address] === answer.name);
        assert.ok(e, `${what}, expected one of ${route.endpoints.map((x) => names[x.address])}`);
        if (lab.node.some((n) => [source, e.address].includes(addressOf(n)))) return;
        assert.equal(answer.client !== source, route.masqueraded(e), `${what}: masqueraded?`);
      }
    }),
  );
}

for (const family of ["ip", "ip6"] as const)
  for (const seed of seeds)
    test(`the kernel does what the model says (${family}, seed ${seed})`, async () => {
      const worldsThere = worlds(families[family].places);
      await fc.assert(
        fc.asyncProperty(worldsThere, (world) => compare(family, world)),
        { seed, numRuns: runsPerSeed, endOnFailure: true },
      );
      // The next test's Services are others.
      await kernels[family].program([], []);
    });

for (const [family, ip] of [
  ["ip", "10.96.0.1"],
  ["ip6", "fd00:96::1"],
] as const)
  test(`every endpoint gets its share (${family})`, async () => {
    const { a0, b0, a1 } = lab.pod as Record<string, Place>;
    const over = [a0!, b0!, a1!];
    const four = slice("web", over);
    const endpoints = four.endpoints!.map((e, i) => ({
      ...e,
      addresses: [families[family].addressOf(over[i]!)],
    }));
    const addressType = family === "ip" ? "IPv4" : "IPv6";
    await kernels[family].program([service("web", ip)], [{ ...four, addressType, endpoints }]);
    const counts = new Map<string, number>();
    for (let round = 0; round < 12; round++) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => lab.host.dial(ip, 80)));
      for (const { name = "none" } of answers) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].sort(), ["a0", "a1", "b0"]);
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0);
    // Two degrees of freedom: a fair draw exceeds 27.6 once in a million runs.
    assert.ok(chiSquared < 27.6, `chi-squared ${chiSquared}: ${JSON.stringify([...counts])}`);
  });
