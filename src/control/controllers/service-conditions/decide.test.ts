import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service, ServiceSpec } from "../../../core/api/types.ts";
import { decideConditions, type Observed } from "./decide.ts";

const now = "2026-01-01T00:00:00Z";
const service = (
  spec: Partial<ServiceSpec> = {},
  ...conditions: [type: string, status: string, reason: string][]
): Service => ({
  metadata: { name: "s", namespace: "d" },
  spec: { clusterIP: "10.96.0.9", selector: { app: "web" }, ...spec },
  status: {
    loadBalancer: {},
    conditions: conditions.map(([type, status, reason]) => ({
      ...{ type, status, reason },
      message: "",
      lastTransitionTime: "2025-01-01T00:00:00Z",
    })),
  },
});
const observed = (more: Partial<Observed> = {}): Observed => ({
  service: service(),
  findings: [],
  slicesFollow: true,
  hasReadyEndpoint: true,
  covered: true,
  answeredByNodes: false,
  stuck: [],
  ...more,
});
const none = { reason: "NoPodsSelected", severity: "error", message: "no pod" } as const;
const hint = { reason: "NodePortBlocked", severity: "advice", message: "not there" } as const;

const rows: [name: string, Partial<Observed>, string[]][] = [
  ["all is well", {}, ["Programmed=True Programmed", "Serving=True EndpointsReady"]],
  ["not in every kernel yet", { covered: false }, []],
  ["slices to come", { slicesFollow: false }, []],
  [
    "no endpoint",
    { hasReadyEndpoint: false, findings: [none] },
    ["Programmed=True Programmed", "Serving=False NoPodsSelected"],
  ],
  ["advice", { findings: [hint] }, ["Programmed=True Programmed", "Serving=True NodePortBlocked"]],
  ["a stuck node", { covered: false, stuck: ["n1"] }, ["Programmed=False NodesBehind"]],
  [
    "headless",
    { covered: false, service: service({ clusterIP: "None" }) },
    ["Programmed=True NothingToProgram", "Serving=True EndpointsReady"],
  ],
  [
    "a name",
    { covered: false, hasReadyEndpoint: false, service: service({ type: "ExternalName", selector: {} }) },
    ["Programmed=True NothingToProgram", "Serving=True NameGiven"],
  ],
  [
    "a load balancer without an address",
    { service: service({ type: "LoadBalancer" }) },
    ["Programmed=False AddressNotAssigned", "Serving=True EndpointsReady"],
  ],
  [
    "somebody else's load balancer",
    { service: service({ type: "LoadBalancer", loadBalancerClass: "example.com/x" }) },
    ["Programmed=True Programmed", "Serving=True EndpointsReady"],
  ],
  [
    "cluster DNS",
    { answeredByNodes: true, hasReadyEndpoint: false, findings: [{ ...none, reason: "NoEndpoints" }] },
    ["Programmed=True Programmed", "Serving=True AnsweredByNodes"],
  ],
  [
    "another proxy's",
    {
      service: {
        ...service(),
        metadata: { name: "s", labels: { "service.kubernetes.io/service-proxy-name": "x" } },
      },
      covered: false,
    },
    ["Programmed=Unknown OtherProxy", "Serving=True EndpointsReady"],
  ],
];
for (const [name, more, wanted] of rows)
  test(`conditions: ${name}`, () =>
    assert.deepEqual(
      decideConditions(observed(more), now).conditions.map(
        (c) => `${c.type.replace("portolan.dev/", "")}=${c.status} ${c.reason}`,
      ),
      wanted,
    ));

test("what stands is not written again; its time changes with its status only", () => {
  const first = decideConditions(observed(), now);
  const stands = { ...service(), status: { loadBalancer: {}, conditions: first.conditions } };
  assert.deepEqual(decideConditions(observed({ service: stands }), "2027-01-01T00:00:00Z").conditions, []);
  const reworded = decideConditions(observed({ service: stands, findings: [hint] }), "2027-01-01T00:00:00Z");
  assert.deepEqual(
    reworded.conditions.map((c) => [c.type, c.lastTransitionTime]),
    [["portolan.dev/Serving", now]],
  );
  assert.equal(reworded.rewordingOnly, false);
  const old = service(
    {},
    ["portolan.dev/Programmed", "Unknown", "Pending"],
    ["portolan.dev/Serving", "True", "EndpointsReady"],
  );
  const { conditions } = decideConditions(observed({ service: old }), now);
  assert.deepEqual(
    conditions.map((c) => [c.type, c.status, c.lastTransitionTime]),
    [
      ["portolan.dev/Programmed", "True", now],
      ["portolan.dev/Serving", "True", "2025-01-01T00:00:00Z"],
    ],
  );
});

test("a generation, where there is one, is observed", () => {
  const s = { ...service(), metadata: { name: "s", generation: 3 } };
  assert.equal(decideConditions(observed({ service: s }), now).conditions[0]!.observedGeneration, 3);
});
