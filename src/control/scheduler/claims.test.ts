import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from "../../core/api/types.ts";
import {
  type ClaimDemands,
  claimDemands,
  claimWrites,
  refusedByVolumes,
  type StorageView,
} from "./claims.ts";

const pod = {
  metadata: { name: "p", namespace: "default" },
  spec: { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] },
} as unknown as Pod;
const node = (name: string): Node => ({ metadata: { name, labels: { host: name } } }) as unknown as Node;
const claim = (spec: object, phase = "Pending", metadata: object = {}): PersistentVolumeClaim =>
  ({
    metadata: { name: "data", namespace: "default", uid: "u", ...metadata },
    spec,
    status: { phase },
  }) as PersistentVolumeClaim;
const here = (name: string): object => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "host", operator: "In", values: [name] }] }] },
});
const volume = (spec: object): PersistentVolume =>
  ({
    metadata: { name: "disk" },
    spec: { capacity: { storage: "1Gi" }, ...spec },
    status: { phase: "Available" },
  }) as PersistentVolume;
const classes = (mode: string, more: object = {}): StorageClass =>
  ({ metadata: { name: "c" }, provisioner: "x/y", volumeBindingMode: mode, ...more }) as StorageClass;
const view = (
  c?: PersistentVolumeClaim,
  volumes: PersistentVolume[] = [],
  storageClass?: StorageClass,
): StorageView => ({
  claim: () => c,
  volume: (name) => volumes.find((v) => v.metadata.name === name),
  volumes: () => volumes,
  storageClass: () => storageClass,
});

test("claims that no node can help", () => {
  const gone = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  const rows: [string, StorageView][] = [
    ['persistentvolumeclaim "data" not found', view()],
    ['persistentvolumeclaim "data" is being deleted', view(claim({}, "Pending", gone))],
    ["pod has unbound immediate PersistentVolumeClaims", view(claim({}))],
    [
      "pod has unbound immediate PersistentVolumeClaims",
      view(claim({ storageClassName: "c" }), [], classes("Immediate")),
    ],
    [
      'persistentvolumeclaim "data" bound to non-existent persistentvolume "disk"',
      view(claim({ volumeName: "disk" }, "Bound")),
    ],
  ];
  for (const [message, storage] of rows) assert.equal(claimDemands(pod, storage), message);
});

test("a bound volume keeps its pod on nodes that reach it", () => {
  const storage = view(claim({ volumeName: "disk" }, "Bound"), [volume({ nodeAffinity: here("a") })]);
  const demands = claimDemands(pod, storage) as ClaimDemands;
  assert.equal(refusedByVolumes(demands, storage, node("a")), undefined);
  assert.equal(
    refusedByVolumes(demands, storage, node("b")),
    "node(s) didn't match PersistentVolume's node affinity",
  );
  assert.deepEqual(claimWrites(demands, storage, node("a")), []);
});

test("a claim that waits takes a volume that is there, or is made one on the chosen node", () => {
  const waits = classes("WaitForFirstConsumer");
  const c = claim({ storageClassName: "c", resources: { requests: { storage: "1Gi" } } });
  const there = view(c, [volume({ storageClassName: "c", nodeAffinity: here("a") })], waits);
  const demands = claimDemands(pod, there) as ClaimDemands;
  const kinds = (n: string): string[] => claimWrites(demands, there, node(n)).map((w) => w.kind);
  assert.deepEqual([kinds("a"), kinds("b")], [["reserve"], ["provision"]]);
  const manual = classes("WaitForFirstConsumer", { provisioner: "kubernetes.io/no-provisioner" });
  const none = view(c, [], manual);
  assert.equal(
    refusedByVolumes(demands, none, node("a")),
    "node(s) didn't find available persistent volumes to bind",
  );
});
