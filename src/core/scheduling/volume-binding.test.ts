import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "../api/types.ts";
import { chooseVolume, isReservedFor, volumeReaches } from "./mod.ts";

const on = (name: string): object => ({
  required: {
    nodeSelectorTerms: [
      { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [name] }] },
    ],
  },
});
const node = (name: string): Node =>
  ({ metadata: { name, labels: { "kubernetes.io/hostname": name } } }) as unknown as Node;
const volume = (name: string, storage: string, spec: object = {}, more: object = {}): PersistentVolume =>
  ({
    metadata: { name },
    spec: { capacity: { storage }, accessModes: ["ReadWriteOnce"], volumeMode: "Filesystem", ...spec },
    status: { phase: "Available" },
    ...more,
  }) as PersistentVolume;
const claim = (spec: object = {}): PersistentVolumeClaim =>
  ({
    metadata: { name: "data", namespace: "default", uid: "u" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } }, ...spec },
  }) as PersistentVolumeClaim;
const mine = { claimRef: { name: "data", namespace: "default" } };

const rows: [
  name: string,
  volumes: PersistentVolume[],
  claim: PersistentVolumeClaim,
  expected: string | undefined,
][] = [
  ["the smallest that is enough", [volume("a", "4Gi"), volume("b", "2Gi"), volume("c", "1Gi")], claim(), "b"],
  ["the same size: by name", [volume("b", "2Gi"), volume("a", "2Gi")], claim(), "a"],
  ["reserved by hand, whatever its size", [volume("a", "2Gi"), volume("b", "1Gi", mine)], claim(), "b"],
  [
    "reserved for an earlier claim of that name",
    [volume("a", "2Gi", { claimRef: { ...mine.claimRef, uid: "old" } })],
    claim(),
    undefined,
  ],
  ["another class", [volume("a", "2Gi", { storageClassName: "x" })], claim(), undefined],
  ["its class", [volume("a", "2Gi", { storageClassName: "x" })], claim({ storageClassName: "x" }), "a"],
  ["another access mode", [volume("a", "2Gi")], claim({ accessModes: ["ReadWriteMany"] }), undefined],
  ["another volume mode", [volume("a", "2Gi", { volumeMode: "Block" })], claim(), undefined],
  [
    "labels that do not match",
    [volume("a", "2Gi")],
    claim({ selector: { matchLabels: { a: "b" } } }),
    undefined,
  ],
  ["not available yet", [volume("a", "2Gi", {}, { status: { phase: "Pending" } })], claim(), undefined],
  ["out of the node's reach", [volume("a", "2Gi", { nodeAffinity: on("node-2") })], claim(), undefined],
  ["within the node's reach", [volume("a", "2Gi", { nodeAffinity: on("node-1") })], claim(), "a"],
];
for (const [name, volumes, c, expected] of rows)
  test(`the volume of a claim: ${name}`, () => {
    assert.equal(chooseVolume(volumes, c, node("node-1"))?.metadata.name, expected);
  });

test("a volume without node affinity is reached from everywhere", () => {
  assert.equal(volumeReaches(volume("a", "1Gi"), node("x")), true);
  assert.equal(volumeReaches(volume("a", "1Gi", { nodeAffinity: on("y") }), node("x")), false);
  assert.equal(isReservedFor(volume("a", "1Gi"), claim()), false);
});
