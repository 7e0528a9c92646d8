import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dialsOf, type World, type WorldPlaces, worlds } from "../../../test/support/service-world.ts";
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

const sorted = (t: FakeTable): unknown =>
  [...t.elements].map(([n, e]) => [n, [...e].sort()] as const).sort((a, b) => (a[0] < b[0] ? -1 : 1));

test("a packet through the table goes where the model says, with every slot drawn", () => {
  fc.assert(
    fc.property(worlds(places), (world) => {
      const routings = routingsOf(world);
      const plan = createServicePlan(facts, table);
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
                const e = route.endpoints.find((x) => x.address === walk.destination && x.port === walk.port);
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

test("increments make the table that a whole load makes, and every step is a legal transaction", () => {
  fc.assert(
    fc.property(fc.array(worlds(places), { minLength: 2, maxLength: 5 }), (steps) => {
      const nft = createFakeNft();
      const plan = createServicePlan(facts, table);
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
        const again = createServicePlan(facts, table, adopted);
        setAll(again, routings);
        const { deletes, adds } = differences(listing, again);
        assert.deepEqual({ deletes, adds }, { deletes: new Map(), adds: new Map() });
        assert.ok(isEmptyChange(plan.take()));
      }
    }),
    { numRuns: 60 },
  );
});

test("a proxy restarted into a changed world applies a legal difference, and then the table is as wanted", () => {
  fc.assert(
    fc.property(worlds(places), worlds(places), (before, after) => {
      const nft = createFakeNft();
      const old = createServicePlan(facts, table);
      setAll(old, routingsOf(before));
      nft.run([...printTable(old.table())].join(""));
      const listing = nft.list(`ip ${table}`)!;
      const next = createServicePlan(facts, table, adoptListing(listing));
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
