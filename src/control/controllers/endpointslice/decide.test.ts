import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { makeNode, makePod, makeService } from "../../../../test/support/pod-objects.ts";
import type { EndpointSlice, Pod, Service } from "../../../core/api/types.ts";
import { decideSlices, type SliceInput } from "./decide.ts";

const decide = (service: Service, pods: Pod[], more: Partial<SliceInput> = {}) =>
  decideSlices({ service, pods, existing: [], node: (name) => makeNode(name, "z1"), ...more });

/** Carries a decision out on paper. */
let serial = 0;
function apply(existing: EndpointSlice[], change: ReturnType<typeof decideSlices>): EndpointSlice[] {
  const updated = new Map(change.update.map((s) => [s.metadata.name, s]));
  const removed = new Set(change.remove.map((s) => s.metadata.name));
  return [
    ...existing.filter((s) => !removed.has(s.metadata.name)).map((s) => updated.get(s.metadata.name) ?? s),
    ...change.create.map((s) => ({ ...s, metadata: { ...s.metadata, name: `web-${++serial}` } })),
  ];
}

test("a first slice carries everything that consumers read", () => {
  const change = decide(makeService(), [makePod("a", { hostname: "a", subdomain: "web" })]);
  assert.deepEqual(change.create, [
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        generateName: "web-",
        namespace: "default",
        labels: {
          team: "a",
          "kubernetes.io/service-name": "web",
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
        ownerReferences: [
          {
            apiVersion: "v1",
            kind: "Service",
            name: "web",
            uid: "uid-svc",
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      addressType: "IPv4",
      endpoints: [
        {
          addresses: ["10.0.0.1"],
          conditions: { ready: true, serving: true, terminating: false },
          hostname: "a",
          targetRef: { kind: "Pod", namespace: "default", name: "a", uid: "uid-a" },
          nodeName: "n1",
          zone: "z1",
        },
      ],
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    },
  ]);
});

test("conditions, families and presence of a pod", async (t) => {
  const publish = makeService({ publishNotReadyAddresses: true });
  const rows: [string, Service, Pod, [boolean, boolean, boolean][]][] = [
    ["ready", makeService(), makePod("a"), [[true, true, false]]],
    ["not ready", makeService(), makePod("a", { ready: false }), [[false, false, false]]],
    ["terminating but serving", makeService(), makePod("a", { dying: true }), [[false, true, true]]],
    ["terminating, published", publish, makePod("a", { dying: true, ready: false }), [[true, false, true]]],
    ["without address", makeService(), makePod("a", { ip: "" }), []],
    ["finished", makeService(), makePod("a", { phase: "Succeeded" }), []],
    ["other family", makeService(), makePod("a", { ip: "fd00::1" }), []],
  ];
  for (const [name, service, pod, expected] of rows)
    await t.test(name, () => {
      const slice = decide(service, [pod]).create[0]!;
      assert.deepEqual(
        slice.endpoints!.map((e) => [e.conditions?.ready, e.conditions?.serving, e.conditions?.terminating]),
        expected,
      );
    });
});

test("two families have slices of their own; one that is given up is deleted", () => {
  const dual = makeService({ ipFamilies: ["IPv4", "IPv6"] });
  const pods = [makePod("a", { ips: ["10.0.0.1", "fd00::1"] })];
  const slices = apply([], decide(dual, pods));
  assert.deepEqual(
    slices.map((s) => [s.addressType, s.endpoints![0]!.addresses]),
    [
      ["IPv4", ["10.0.0.1"]],
      ["IPv6", ["fd00::1"]],
    ],
  );
  const change = decide(makeService(), pods, { existing: slices });
  assert.deepEqual([change.create.length, change.update.length], [0, 0]);
  assert.deepEqual(
    change.remove.map((s) => s.addressType),
    ["IPv6"],
  );
});

test("a named port has a number in each pod; pods that differ are in different slices", () => {
  const service = makeService({ ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }] });
  const pods = [
    makePod("a", { ip: "10.0.0.1", ports: [{ name: "web", port: 8080 }] }),
    makePod("b", { ip: "10.0.0.2", ports: [{ name: "web", port: 9090 }] }),
    makePod("c", { ip: "10.0.0.3" }),
  ];
  const slices = decide(service, pods).create.map((s) => [s.ports!.map((p) => p.port), s.endpoints!.length]);
  assert.deepEqual(
    slices.sort(),
    [
      [[], 1],
      [[8080], 1],
      [[9090], 1],
    ].sort(),
  );
});

test("a pod on an unknown node waits, unless unready addresses are published", () => {
  const nowhere = { node: () => undefined };
  const change = decide(makeService(), [makePod("a")], nowhere);
  assert.deepEqual([change.create[0]!.endpoints, change.unplaced.map((p) => p.metadata.name)], [[], ["a"]]);
  assert.equal(
    decide(makeService({ publishNotReadyAddresses: true }), [makePod("a")], nowhere).create[0]!.endpoints!
      .length,
    1,
  );
});

test("without pods one empty slice stands, and is written once", () => {
  const first = decide(makeService(), []);
  assert.deepEqual([first.create.length, first.create[0]!.endpoints, first.create[0]!.ports], [1, [], []]);
  const slices = apply([], first);
  const second = decide(makeService(), [], { existing: slices });
  assert.deepEqual([second.create, second.update, second.remove], [[], [], []]);
  const filled = decide(makeService(), [makePod("a")], { existing: slices });
  assert.deepEqual([filled.create.length, filled.update.length, filled.remove.length], [0, 1, 0]);
  assert.equal(filled.update[0]!.metadata.name, slices[0]!.metadata.name);
  const emptied = decide(makeService(), [], { existing: apply(slices, filled) });
  assert.deepEqual([emptied.create.length, emptied.update.length, emptied.remove.length], [0, 1, 0]);
});

test("labels follow the Service; a headless one says so", () => {
  const slices = apply([], decide(makeService(), [makePod("a")]));
  const headless = makeService({ clusterIP: "None" });
  headless.metadata.labels = { team: "b", "kubernetes.io/service-name": "liar" };
  const { update } = decide(headless, [makePod("a")], { existing: slices });
  assert.deepEqual(update[0]!.metadata.labels, {
    team: "b",
    "service.kubernetes.io/headless": "",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
});

test("slices of an earlier Service of the same name are not ours", () => {
  const slices = apply([], decide(makeService(), [makePod("a")]));
  const again = makeService();
  again.metadata.uid = "uid-again";
  const change = decide(again, [makePod("a")], { existing: slices });
  assert.deepEqual([change.create.length, change.update.length, change.remove.length], [1, 0, 1]);
});

test("hints follow trafficDistribution, on ready endpoints only", () => {
  const pods = [makePod("a", { ip: "10.0.0.1" }), makePod("b", { ip: "10.0.0.2", ready: false })];
  const hints = (trafficDistribution: string): unknown[] =>
    decide(makeService({ trafficDistribution }), pods).create[0]!.endpoints!.map((e) => e.hints);
  assert.deepEqual(hints("PreferClose"), [{ forZones: [{ name: "z1" }] }, undefined]);
  assert.deepEqual(hints("PreferSameNode"), [
    { forNodes: [{ name: "n1" }], forZones: [{ name: "z1" }] },
    undefined,
  ]);
  const plain = apply([], decide(makeService(), pods));
  const changed = decide(makeService({ trafficDistribution: "PreferClose" }), pods, { existing: plain });
  assert.equal(changed.update.length, 1);
});

test("whatever comes and goes: every endpoint once, slices within bounds, a second look writes nothing", () => {
  const podSet = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 40 });
  const pods = (ids: number[]): Pod[] =>
    ids.map((i) =>
      makePod(`p${i}`, {
        ip: `10.0.0.${i}`,
        ready: i % 3 > 0,
        ports: [{ name: "web", port: 8000 + (i % 2) }],
      }),
    );
  const service = makeService({ ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }] });
  fc.assert(
    fc.property(fc.array(podSet, { minLength: 1, maxLength: 5 }), (rounds) => {
      let slices: EndpointSlice[] = [];
      for (const ids of rounds) {
        const change = decide(service, pods(ids), { existing: slices, max: 5 });
        slices = apply(slices, change);
        const addresses = slices.flatMap((s) => s.endpoints!.map((e) => e.addresses[0]!));
        assert.deepEqual(addresses.sort(), ids.map((i) => `10.0.0.${i}`).sort());
        assert.ok(slices.every((s) => s.endpoints!.length <= 5));
        for (const s of slices)
          for (const e of s.endpoints!)
            assert.equal(s.ports![0]!.port, 8000 + (Number(e.addresses[0]!.split(".")[3]) % 2));
        const again = decide(service, pods(ids), { existing: slices, max: 5 });
        assert.deepEqual([again.create, again.update, again.remove], [[], [], []]);
      }
    }),
    { numRuns: 50 },
  );
});
