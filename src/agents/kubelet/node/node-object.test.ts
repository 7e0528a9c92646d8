import assert from "node:assert/strict";
import { test } from "node:test";
import { conditionNews, extendedResources, nodeConditions } from "./node-object.ts";

const plenty = {
  availableMemoryBytes: 1e12,
  availableStorageBytes: 1e12,
  availableInodes: 1e9,
  availablePids: 1e6,
};
const words = (room: object, unready: string[] = []): string[] =>
  nodeConditions(undefined, { ...plenty, ...room }, unready, "now").map(
    (c) => `${c.type}=${c.status} ${c.reason}`,
  );

test("a node says what it lacks", () => {
  assert.deepEqual(words({}), [
    "MemoryPressure=False KubeletHasSufficientMemory",
    "DiskPressure=False KubeletHasNoDiskPressure",
    "PIDPressure=False KubeletHasSufficientPID",
    "Ready=True KubeletReady",
  ]);
  assert.ok(words({ availableMemoryBytes: 1 }).includes("MemoryPressure=True KubeletHasInsufficientMemory"));
  assert.ok(words({ availableStorageBytes: 1 }).includes("DiskPressure=True KubeletHasDiskPressure"));
  assert.ok(words({ availableInodes: 1 }).includes("DiskPressure=True KubeletHasDiskPressure"));
  assert.ok(words({ availablePids: 1 }).includes("PIDPressure=True KubeletHasInsufficientPID"));
  assert.ok(words({}, ["no runtime"]).includes("Ready=False KubeletNotReady"));
});

test("a condition that stays keeps the time of its last change", () => {
  const before = nodeConditions(undefined, plenty, [], "then");
  const after = nodeConditions(before, plenty, ["down"], "now");
  assert.deepEqual(
    after.map((c) => `${c.type} ${c.lastTransitionTime} ${c.lastHeartbeatTime}`),
    ["MemoryPressure then now", "DiskPressure then now", "PIDPressure then now", "Ready now now"],
  );
});

test("what changed is told, as the kubelet words it", () => {
  const at = (room: object, unready: string[] = []) =>
    nodeConditions(undefined, { ...plenty, ...room }, unready, "now");
  const rows: [string, ReturnType<typeof at> | undefined, ReturnType<typeof at>, string[]][] = [
    [
      "a new node",
      undefined,
      at({}),
      ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady"],
    ],
    ["no news", at({}), at({}), []],
    ["not ready", at({}), at({}, ["down"]), ["NodeNotReady"]],
    ["short of memory", at({}), at({ availableMemoryBytes: 1 }), ["NodeHasInsufficientMemory"]],
    ["disk again", at({ availableInodes: 1 }), at({}), ["NodeHasNoDiskPressure"]],
    [
      "declared unknown",
      at({}).map((c) => (c.type === "Ready" ? { ...c, status: "Unknown" } : c)),
      at({}),
      ["NodeReady"],
    ],
  ];
  for (const [name, before, after, reasons] of rows)
    assert.deepEqual(conditionNews(before, after), reasons, name);
});

test("what somebody advertised in the capacity can be had, until it is taken back", () => {
  const dongles = { cpu: "2", "example.com/dongle": "4" };
  const rows: [string, object, object, object][] = [
    ["advertised", dongles, { cpu: "1" }, { "example.com/dongle": "4" }],
    ["known", dongles, { cpu: "1", "example.com/dongle": "4" }, {}],
    ["changed", dongles, { "example.com/dongle": "3" }, { "example.com/dongle": "4" }],
    ["taken back", { cpu: "2" }, { "example.com/dongle": "4" }, { "example.com/dongle": null }],
    ["Kubernetes' own", { "x.kubernetes.io/y": "1" }, {}, {}],
  ];
  for (const [name, capacity, allocatable, expected] of rows)
    assert.deepEqual(extendedResources({ capacity, allocatable } as never), expected, name);
});
