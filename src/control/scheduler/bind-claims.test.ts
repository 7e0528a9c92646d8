import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryCluster } from "../../../test/support/memory-cluster.ts";
import { persistentVolumeClaims, persistentVolumes } from "../../core/api/refs.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../core/api/types.ts";
import { bindClaims } from "./bind-claims.ts";

const claim = {
  metadata: { name: "data", namespace: "default" },
  spec: {},
  status: {},
} as PersistentVolumeClaim;
const { signal } = new AbortController();

test("a claim is told its node, and awaited", async () => {
  const cluster = createMemoryCluster();
  const made = cluster.put(persistentVolumeClaims, claim);
  const found = (key: string) => cluster.find(persistentVolumeClaims, key);
  const bound = bindClaims(cluster, [{ kind: "provision", claim: made }], {
    node: "node-1",
    claim: found,
    wanted: () => true,
    signal,
  });
  const early = await Promise.race([bound.then(() => true), new Promise((r) => setTimeout(r, 60, false))]);
  assert.equal(early, false);
  assert.equal(found("default/data")?.metadata.annotations?.["volume.kubernetes.io/selected-node"], "node-1");
  cluster.change(persistentVolumeClaims, "default/data", (c) => {
    c.status = { phase: "Bound" };
  });
  await bound;
});

test("a volume that is there is reserved; a pod or claim that goes ends the wait", async () => {
  const cluster = createMemoryCluster();
  const made = cluster.put(persistentVolumeClaims, claim);
  const volume = cluster.put(persistentVolumes, { metadata: { name: "disk" }, spec: {} } as PersistentVolume);
  const options = {
    node: "n",
    claim: () => made as PersistentVolumeClaim | undefined,
    wanted: () => false,
    signal,
  };
  await assert.rejects(
    bindClaims(cluster, [{ kind: "reserve", volume, claim: made }], options),
    /the pod waits no more/,
  );
  assert.equal(cluster.find(persistentVolumes, "disk")?.spec?.claimRef?.uid, made.metadata.uid);
  await assert.rejects(
    bindClaims(cluster, [], { ...options, claim: () => undefined, wanted: () => true }).then(() =>
      bindClaims(cluster, [{ kind: "provision", claim: made }], { ...options, claim: () => undefined }),
    ),
    /persistentvolumeclaim "data" is gone/,
  );
});
