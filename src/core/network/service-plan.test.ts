import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dialsOf, type World, type WorldPlaces, worlds } from "../../../test/support/service-world.ts";
import { simpleRouting } from "../../../test/support/simple-routing.ts";
import {
  createFakeNft,
  diffTable,
  type FakeTable,
  fakeTable,
  isEmptyChange,
  type NftListing,
  printChange,
  printTable,
  walkPacket,
} from "../nft/mod.ts";
import {
  adoptListing,
  createServicePlan,
  type NodeFacts,
  type PlanOptions,
  resolveService,
  routeConnection,
  type ServicePlan,
  type ServiceRouting,
} from "./mod.ts";

const facts: NodeFacts = {
  family: "ip",
  nodeName: "n0",
  zone: "",
  nodeAddresses: ["172.30.0.11"],
  podRanges: ["10.244.0.0/24"],
  serviceRanges: ["10.96.0.0/16"],
  localAddresses: ["10.96.0.10"],
};
const places: WorldPlaces = {
  endpoints: [
    ...[2, 3, 4].map((n) => ({ address: `10.244.0.${n}`, nodeName: "n0" })),
    ...[2, 3].map((n) => ({ address: `10.244.1.${n}`, nodeName: "n1" })),
    { address: "172.30.0.11", nodeName: "n0" },
  ],
  clusterIPs: ["10.96.0.1", "10.96.0.2", "10.96.0.3"],
  vips: ["172.30.200.1", "172.30.200.2", "172.30.200.3"],
  externalIPs: ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
  nodePorts: [30000, 30001, 30002, 30003, 30004, 30005],
  ports: [80, 443],
  targetPorts: [80, 8080],
  sourceRanges: ["10.244.0.0/16", "172.30.0.1/32", "10.244.0.2/32", "0.0.0.0/0", "fd00::/8"],
  affinity: true,
};
const sources = ["10.244.0.2", "10.244.0.3", "10.244.1.2", "172.30.0.11", "172.30.0.1"];
const table = "portolan-test";

function routingsOf(world: World): ServiceRouting[] {
  return world.services.map((s) => {
    const own = world.slices.filter(
      (x) => x.metadata.labels!["kubernetes.io/service-name"] === s.metadata.name,
    );
    return resolveService(s, own, facts)!;
  });
}

function setAll(plan: ServicePlan, routings: readonly ServiceRouting[]): void {
  const keys = new Set(routings.map((r) => r.key));
  for (const { key } of [...plan.services()]) if (!keys.has(key)) plan.set(key, undefined);
  for (const r of routings) plan.set(r.key, r);
}

/** As it is, and where nearly every way of balancing is named by group and goes at once when it is idle. */
const limits: [name: string, limits: PlanOptions["limits"]][] = [
  ["", undefined],
  [", with hardly any classes", { classes: 4, idle: 0, groups: 1000 }],
];

const sorted = (t: FakeTable): unknown => [
  [...t.elements].map(([n, e]) => [n, [...e].sort()] as const).sort((a, b) => (a[0] < b[0] ? -1 : 1)),
  [...t.chains.values()].map((c) => [c.name, c.rules]).sort((a, b) => (a[0]! < b[0]! ? -1 : 1)),
];

for (const [name, limit] of limits)
  test(`a packet through the table goes where the model says, with every slot drawn${name}`, () => {
    fc.assert(
      fc.property(worlds(places), (world) => {
        const routings = routingsOf(world);
        const plan = createServicePlan(facts, table, { limits: limit });
        setAll(plan, routings);
        const fake = fakeTable(plan.table());
        for (const source of sources)
          for (const dial of dialsOf(places, facts.nodeAddresses[0]!))
            for (const protocol of ["tcp", "udp"] as const) {
              const route = routeConnection(routings, facts, { source, protocol, ...dial });
              const reached = new Set<string>();
              for (let draw = 0; draw < 6; draw++) {
                fake.elements.get("affinity")!.clear();
                const walk = walkPacket(
                  fake,
                  { source, protocol, ...dial },
                  { local: new Set(facts.nodeAddresses), random: (n) => draw % n, now: 0 },
                );
                const what = `${source} ${protocol} ${dial.destination}:${dial.port}`;
                if (route.kind === "untouched") {
                  assert.equal(walk.verdict, "accept", what);
                  assert.equal(walk.destination, dial.destination, what);
                  assert.equal(walk.masqueraded, false, what);
                } else if (route.kind !== "forward") assert.equal(walk.verdict, route.kind, what);
                else {
                  assert.equal(walk.verdict, "accept", what);
                  const e = route.endpoints.find(
                    (x) => x.address === walk.destination && x.port === walk.port,
                  );
                  assert.ok(e, `${what} went to ${walk.destination}:${walk.port}`);
                  // Between two processes of the node itself it does not matter.
                  if (!facts.nodeAddresses.includes(e.address))
                    assert.equal(walk.masqueraded, route.masqueraded(e), what);
                  reached.add(`${e.address} ${e.port}`);
                }
              }
              if (route.kind === "forward") assert.equal(reached.size, Math.min(6, route.endpoints.length));
            }
      }),
      { numRuns: 60 },
    );
  });

for (const [name, limit] of limits)
  test(`increments make the table that a whole load makes, and every step is a legal transaction${name}`, () => {
    fc.assert(
      fc.property(fc.array(worlds(places), { minLength: 2, maxLength: 5 }), (steps) => {
        const nft = createFakeNft();
        const plan = createServicePlan(facts, table, { limits: limit });
        nft.run([...printTable(plan.table())].join(""));
        plan.take();
        for (const world of steps) {
          const routings = routingsOf(world);
          setAll(plan, routings);
          nft.run([...printChange(plan.take())].join(""));
          assert.deepEqual(sorted(nft.tables.get(`ip ${table}`)!), sorted(fakeTable(plan.table())));
          // A restarted proxy wants what is there.
          const listing = nft.list(`ip ${table}`)!;
          const adopted = adoptListing(listing);
          const again = createServicePlan(facts, table, { adopted, limits: limit });
          setAll(again, routings);
          const { deletes, adds } = differences(listing, again);
          assert.deepEqual({ deletes, adds }, { deletes: new Map(), adds: new Map() });
          assert.ok(isEmptyChange(plan.take()));
        }
      }),
      { numRuns: 60 },
    );
  });

for (const [name, limit] of limits)
  test(`a proxy restarted into a changed world applies a legal difference, and then the table is as wanted${name}`, () => {
    fc.assert(
      fc.property(worlds(places), worlds(places), (before, after) => {
        const nft = createFakeNft();
        const old = createServicePlan(facts, table, { limits: limit });
        setAll(old, routingsOf(before));
        nft.run([...printTable(old.table())].join(""));
        const listing = nft.list(`ip ${table}`)!;
        const next = createServicePlan(facts, table, { adopted: adoptListing(listing), limits: limit });
        setAll(next, routingsOf(after));
        nft.run([...printChange(differences(listing, next))].join(""));
        assert.deepEqual(sorted(nft.tables.get(`ip ${table}`)!), sorted(fakeTable(next.table())));
        next.take();
        setAll(next, routingsOf(before));
        nft.run([...printChange(next.take())].join(""));
        assert.deepEqual(sorted(nft.tables.get(`ip ${table}`)!), sorted(fakeTable(next.table())));
      }),
      { numRuns: 60 },
    );
  });

function differences(listing: NftListing, plan: ServicePlan) {
  const change = diffTable(listing, plan.table(), ["affinity"]);
  assert.ok(change, "the layout differs");
  return change;
}

/** A Service of so many endpoints. */
function serviceOf(name: string, address: string, count: number, affinitySeconds?: number): ServiceRouting {
  const endpoints = Array.from({ length: count }, (_, i) => `10.244.7.${i + 1}`);
  return simpleRouting(`d/${name}`, address, { endpoints, affinitySeconds });
}

test("more ways of balancing than there are classes: each Service has its own all the same, and old ones go", () => {
  const nft = createFakeNft();
  const plan = createServicePlan(facts, table);
  nft.run([...printTable(plan.table())].join(""));
  plan.take();
  const chains = (): number => nft.tables.get(`ip ${table}`)!.chains.size;
  const before = chains();
  for (let i = 0; i < 2000; i++)
    plan.set(`d/${i}`, serviceOf(`${i}`, `10.96.${1 + (i >> 8)}.${i & 255}`, 1, 100 + i));
  nft.run([...printChange(plan.take())].join(""));
  const { elements } = nft.tables.get(`ip ${table}`)!;
  assert.equal(elements.get("classes")!.size + elements.get("ways")!.size, 3 + 2000);
  assert.ok(elements.get("ways")!.size > 900);
  const fake = fakeTable(plan.table());
  for (const i of [0, 1999]) {
    const destination = `10.96.${1 + (i >> 8)}.${i & 255}`;
    const dial = { source: "10.244.0.9", protocol: "tcp" as const, destination, port: 80 };
    assert.equal(
      walkPacket(fake, dial, { local: new Set(), random: () => 0, now: 0 }).destination,
      "10.244.7.1",
    );
  }
  // Each time-out changes again and again: chains that nobody uses any more do not stay.
  for (let round = 1; round < 4; round++) {
    for (let i = 0; i < 2000; i++)
      plan.set(`d/${i}`, serviceOf(`${i}`, `10.96.${1 + (i >> 8)}.${i & 255}`, 1, 100 + i + 10_000 * round));
    nft.run([...printChange(plan.take())].join(""));
    assert.ok(chains() <= before + 2 * (2000 + 64), `${chains()} chains`);
  }
  for (let i = 0; i < 2000; i++) plan.set(`d/${i}`, undefined);
  nft.run([...printChange(plan.take())].join(""));
  assert.ok(chains() <= before + 2 * 64, `${chains()} chains`);
  assert.equal(nft.tables.get(`ip ${table}`)!.elements.get("ways")!.size, 0);
});

test("without a group left a port is as without endpoints, and gets one when there is one again", () => {
  const nft = createFakeNft();
  const plan = createServicePlan(facts, table, { limits: { classes: 100, idle: 10, groups: 2 } });
  nft.run([...printTable(plan.table())].join(""));
  plan.take();
  const apply = (): void => nft.run([...printChange(plan.take())].join(""));
  const goesTo = (n: number): string =>
    walkPacket(
      fakeTable(plan.table()),
      { source: "10.244.0.9", protocol: "tcp", destination: `10.96.0.${n}`, port: 80 },
      { local: new Set(), random: () => 0, now: 0 },
    ).verdict;
  for (const n of [1, 2, 3, 4]) plan.set(`d/${n}`, serviceOf(`${n}`, `10.96.0.${n}`, n));
  apply();
  assert.deepEqual([1, 2, 3, 4].map(goesTo), ["accept", "accept", "reject", "reject"]);
  plan.set("d/1", serviceOf("1", "10.96.0.1", 5));
  apply();
  assert.deepEqual([1, 2, 3, 4].map(goesTo), ["accept", "accept", "reject", "reject"]);
  plan.set("d/1", undefined);
  apply();
  assert.equal([3, 4].map(goesTo).filter((v) => v === "accept").length, 1);
  plan.set("d/2", undefined);
  apply();
  assert.deepEqual([3, 4].map(goesTo), ["accept", "accept"]);
  assert.ok(isEmptyChange(plan.take()));
});
