import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint, EndpointSlice, Node } from "../../../core/api/types.ts";
import type { Slice } from "./slice-draft.ts";
import { hintByShares, zoneShares } from "./topology-mode.ts";

/** "a" is a ready endpoint in zone a, "a>b" one that is hinted for b, "a-" one that is not ready, "" one without a zone. */
function endpoint(text: string, i: number): Endpoint {
  const [, zone, hint, not] = /^([a-z]?)(?:>([a-z]))?(-?)$/.exec(text)!;
  return {
    addresses: [`10.0.0.${i + 1}`],
    conditions: { ready: not === "" },
    ...(zone ? { zone } : {}),
    ...(hint ? { hints: { forZones: [{ name: hint }] } } : {}),
  };
}
const slice = (...endpoints: string[]): Slice =>
  ({ addressType: "IPv4", endpoints: endpoints.map(endpoint) }) as EndpointSlice as Slice;
const shares = (o: Record<string, number>) => new Map(Object.entries(o));
const half = { a: 0.5, b: 0.5 };

type Row = [
  name: string,
  shares: Record<string, number> | undefined,
  written: Slice[],
  unchanged: Slice[],
  hints: string[] | string,
];
const tooFew = "Insufficient number of endpoints";
const rows: Row[] = [
  [
    "no shares",
    undefined,
    [slice("a")],
    [],
    "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes",
  ],
  ["no endpoints", half, [slice()], [], `${tooFew} (0 endpoints, 2 zones)`],
  [
    "two endpoints for three zones",
    { a: 0.3, b: 0.4, c: 0.3 },
    [slice("a", "b")],
    [],
    `${tooFew} (2 endpoints, 3 zones)`,
  ],
  ["one for each of two", { a: 0.45, b: 0.55 }, [slice("a", "b")], [], ["a b"]],
  ["those not ready have none", { a: 0.45, b: 0.55 }, [slice("a", "b", "b-", "b-")], [], ["a b - -"]],
  [
    "too small a zone for its endpoint",
    { a: 0.1, b: 0.9 },
    [slice("a", "b")],
    [],
    "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (2 endpoints, 2 zones)",
  ],
  [
    "an endpoint without a zone",
    half,
    [slice("a", "")],
    [],
    "One or more endpoints do not have a zone specified",
  ],
  ["a zone with none takes half", half, [slice("a", "a", "a", "a")], [], ["b b a a"]],
  [
    "three zones, four slices",
    { a: 0.35, b: 0.35, c: 0.3 },
    [slice("a", "b"), slice("c", "c", "a"), slice("a", "a"), slice("b", "c", "a")],
    [],
    ["b b", "c c a", "a a", "b c a"],
  ],
  ["hints that fit stay as they are", half, [slice("b")], [slice("a>a")], ["b"]],
  ["an unchanged slice without hints is hinted", half, [], [slice("a", "b")], ["a b"]],
  ["hints for a zone that is gone are made anew", half, [], [slice("a>c", "b>b")], ["a b"]],
  [
    "too many hints for one zone are made anew",
    half,
    [slice("b")],
    [slice("a>a", "a>a", "a>a")],
    ["b", "b a a"],
  ],
];
for (const [name, of, written, unchanged, wanted] of rows)
  test(`hints: ${name}`, () => {
    const result = hintByShares(written, unchanged, of && shares(of));
    if ("refused" in result) assert.equal(result.refused, wanted);
    else
      assert.deepEqual(
        [...result.slices.values()].map((es) => es.map((e) => e.hints?.forZones?.[0]?.name ?? "-").join(" ")),
        wanted,
      );
  });

const node = (zone: string | undefined, cpu: string, more: { ready?: string; labels?: object } = {}): Node =>
  ({
    metadata: { labels: { ...(zone ? { "topology.kubernetes.io/zone": zone } : {}), ...more.labels } },
    status: { allocatable: { cpu }, conditions: [{ type: "Ready", status: more.ready ?? "True" }] },
  }) as unknown as Node;
const controlPlane = { labels: { "node-role.kubernetes.io/control-plane": "" } };
const nodeRows: [string, Node[], Record<string, number> | undefined][] = [
  ["none", [], undefined],
  ["one zone", [node("a", "2"), node("a", "2")], undefined],
  ["by CPUs", [node("a", "1"), node("a", "500m"), node("b", "500m")], { a: 0.75, b: 0.25 }],
  ["a node without a zone", [node("a", "1"), node("b", "1"), node(undefined, "1")], undefined],
  ["a node without CPUs", [node("a", "1"), node("b", "0")], undefined],
  [
    "nodes that are not ready do not count",
    [node("a", "1"), node("b", "1"), node("c", "1", { ready: "Unknown" })],
    half,
  ],
  ["nor do control planes", [node("a", "1"), node("b", "1"), node(undefined, "9", controlPlane)], half],
];
for (const [name, nodes, wanted] of nodeRows)
  test(`shares: ${name}`, () => assert.deepEqual(zoneShares(nodes), wanted && shares(wanted)));
