import assert from "node:assert/strict";
import { test } from "node:test";
import { startRig } from "../../../../test/support/controller-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import {
  events,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from "../../../core/api/refs.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../../../core/api/types.ts";
import { startPersistentVolumes } from "./mod.ts";

const claim = (spec: object = {}, metadata: object = {}): PersistentVolumeClaim =>
  ({
    metadata: { name: "data", namespace: "default", ...metadata },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
    status: { phase: "Pending" },
  }) as PersistentVolumeClaim;
const volume = (spec: object = {}, metadata: object = {}): PersistentVolume =>
  ({
    metadata: { name: "disk", ...metadata },
    spec: {
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "2Gi" },
      hostPath: { path: "/x" },
      persistentVolumeReclaimPolicy: "Retain",
      ...spec,
    },
    status: { phase: "Pending" },
  }) as PersistentVolume;
const storageClass = (volumeBindingMode: string): StorageClass =>
  ({ metadata: { name: "fast" }, provisioner: "example.com/disk", volumeBindingMode }) as StorageClass;

test("a claim and a volume that suits become each other's; a claim that is gone leaves a released volume", async (t) => {
  const { cluster } = await startRig(t, [startPersistentVolumes]);
  cluster.put(persistentVolumes, volume());
  await eventually(() => assert.equal(cluster.find(persistentVolumes, "disk")?.status?.phase, "Available"));
  cluster.put(persistentVolumeClaims, claim());
  await eventually(() => {
    const c = cluster.find(persistentVolumeClaims, "default/data")!;
    assert.deepEqual([c.status?.phase, c.spec?.volumeName], ["Bound", "disk"]);
    assert.deepEqual(c.status?.capacity, { storage: "2Gi" });
    const v = cluster.find(persistentVolumes, "disk")!;
    assert.deepEqual([v.status?.phase, v.spec?.claimRef?.uid], ["Bound", c.metadata.uid]);
  });
  await cluster.delete(persistentVolumeClaims, "data", { namespace: "default" });
  await eventually(() => assert.equal(cluster.find(persistentVolumes, "disk")?.status?.phase, "Released"));
});

test("two claims never get the same volume", async (t) => {
  const { cluster } = await startRig(t, [startPersistentVolumes], {
    prepare(c) {
      c.put(persistentVolumes, { ...volume(), status: { phase: "Available" } });
      for (const name of ["a", "b", "c"]) c.put(persistentVolumeClaims, claim({}, { name }));
    },
  });
  const phases = (): (string | undefined)[] =>
    cluster.all(persistentVolumeClaims).map((c) => c.status?.phase);
  await eventually(() => assert.deepEqual(phases().sort(), ["Bound", "Pending", "Pending"]));
});

test("a class that binds at once names its provisioner; one that waits says what for", async (t) => {
  for (const [mode, said, named] of [
    ["Immediate", "ExternalProvisioning", "example.com/disk"],
    ["WaitForFirstConsumer", "WaitForFirstConsumer", undefined],
  ] as const) {
    const { cluster } = await startRig(t, [startPersistentVolumes]);
    cluster.put(storageClasses, storageClass(mode));
    cluster.put(persistentVolumeClaims, claim({ storageClassName: "fast" }));
    await eventually(() =>
      assert.ok(
        cluster.all(events).some((e) => e.reason === said),
        mode,
      ),
    );
    const { annotations } = cluster.find(persistentVolumeClaims, "default/data")!.metadata;
    assert.equal(annotations?.["volume.kubernetes.io/storage-provisioner"], named);
  }
});

test("a claim in use stays until its pod is gone", async (t) => {
  const finalizers = ["kubernetes.io/pvc-protection"];
  const { cluster } = await startRig(t, [startPersistentVolumes], {
    prepare(c) {
      const spec = { nodeName: "n", volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] };
      c.put(pods, { metadata: { name: "p", namespace: "default" }, spec } as unknown as Pod);
      const deletionTimestamp = "2026-01-01T00:00:00Z";
      c.put(persistentVolumeClaims, claim({}, { finalizers, deletionTimestamp }));
    },
  });
  const left = (): string[] | undefined =>
    cluster.find(persistentVolumeClaims, "default/data")?.metadata.finalizers;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(left(), finalizers);
  await cluster.delete(pods, "p", { namespace: "default", gracePeriodSeconds: 0 });
  await eventually(() => assert.equal(left()?.length ?? 0, 0));
});
