import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { createMemoryCluster } from "../../../test/support/memory-cluster.ts";
import { persistentVolumeClaims, persistentVolumes, storageClasses } from "../../core/api/refs.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../core/api/types.ts";
import { isWanted, refusalOf, removablePath, runLocalVolumes } from "./mod.ts";

const provisioner = "portolan/local-volumes";
const claim = (annotations: object = {}, spec: object = {}): PersistentVolumeClaim =>
  ({
    metadata: {
      name: "data",
      namespace: "default",
      annotations: { "volume.kubernetes.io/storage-provisioner": provisioner, ...annotations },
    },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
      storageClassName: "standard",
      ...spec,
    },
  }) as PersistentVolumeClaim;
const selected = (node: string): object => ({ "volume.kubernetes.io/selected-node": node });
const here = { nodeName: "node-1", directory: "/volumes" };

test("which claims are this node's", () => {
  const rows: [string, PersistentVolumeClaim, boolean][] = [
    ["chosen", claim(selected("node-1")), true],
    ["another node's", claim(selected("node-2")), false],
    ["anybody's", claim(), true],
    ["another provisioner's", claim({ "volume.kubernetes.io/storage-provisioner": "x/y" }), false],
    ["bound", claim({}, { volumeName: "pv" }), false],
  ];
  for (const [name, c, expected] of rows) assert.equal(isWanted(c, "node-1"), expected, name);
  assert.match(refusalOf(claim({}, { volumeMode: "Block" }))!, /block volumes/);
  assert.equal(refusalOf(claim()), undefined);
});

test("only a directory that this node made for a released volume is removed", () => {
  const volume = (path: string, phase = "Released", policy = "Delete", node = "node-1"): PersistentVolume =>
    ({
      metadata: { name: "v", annotations: { "pv.kubernetes.io/provisioned-by": provisioner } },
      spec: {
        hostPath: { path },
        persistentVolumeReclaimPolicy: policy,
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
            ],
          },
        },
      },
      status: { phase },
    }) as PersistentVolume;
  assert.equal(removablePath(volume("/volumes/a"), here), "/volumes/a");
  for (const v of [
    volume("/etc"),
    volume("/volumes/a/../../etc"),
    volume("/volumes/a", "Bound"),
    volume("/volumes/a", "Released", "Retain"),
    volume("/volumes/a", "Released", "Delete", "node-2"),
  ])
    assert.equal(removablePath(v, here), undefined, JSON.stringify(v.spec));
});

test("a claim gets a directory and a volume; both go when the volume is released", async (t) => {
  const cluster = createMemoryCluster();
  const stop = new AbortController();
  const directories = new Set<string>();
  const done = runLocalVolumes(
    {
      ...here,
      client: cluster,
      directories: {
        makeDirectory: async (path) => void directories.add(path),
        removeTree: async (path) => void directories.delete(path),
      },
      log: () => {},
    },
    stop.signal,
  );
  t.after(async () => {
    stop.abort();
    await done;
  });
  const standard = { metadata: { name: "standard" }, provisioner, reclaimPolicy: "Delete" };
  cluster.put(storageClasses, standard as StorageClass);
  const made = cluster.put(persistentVolumeClaims, claim(selected("node-1")));
  const name = `pvc-${made.metadata.uid}`;
  await eventually(() => {
    const v = cluster.find(persistentVolumes, name);
    assert.equal(v?.spec?.hostPath?.path, `/volumes/${name}_default_data`);
    assert.deepEqual([v.spec?.claimRef?.uid, v.spec?.capacity], [made.metadata.uid, { storage: "1Gi" }]);
  });
  assert.deepEqual([...directories], [`/volumes/${name}_default_data`]);
  cluster.change(persistentVolumes, name, (v) => {
    v.status = { phase: "Released" };
  });
  await eventually(() => assert.equal(cluster.find(persistentVolumes, name), undefined));
  assert.equal(directories.size, 0);
});
