// What becomes of a StatefulSet's claims when its retention policy is changed and it shrinks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { persistentVolumeClaims, pods, serviceAccounts, statefulSets } from "../../../core/api/refs.ts";
import type { StatefulSet } from "../../../core/api/types.ts";
import { startGarbageCollector } from "../garbagecollector/mod.ts";
import { startStatefulSets } from "./mod.ts";

const at = { namespace: "default" };

test("claims follow the retention policy as it is now", async (t) => {
  const { client } = await startApiRig(t, [startStatefulSets, startGarbageCollector], {
    async prepare(c) {
      await c.create(serviceAccounts, { metadata: { name: "default" } }, at);
    },
  });
  const resources = { requests: { storage: "1Mi" } };
  const spec = {
    replicas: 2,
    serviceName: "db",
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "c", image: "x" }] },
    },
    volumeClaimTemplates: [
      { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources } },
    ],
  };
  const set = await client.create<StatefulSet>(statefulSets, { metadata: { name: "db" }, spec } as never, at);
  /** By claim that is not on its way out, whose it is. */
  const owners = async () => {
    const claims = (await client.list(persistentVolumeClaims, at)).items;
    const staying = claims.filter((c) => !c.metadata.deletionTimestamp);
    return Object.fromEntries(
      staying.map((c) => [c.metadata.name, (c.metadata.ownerReferences ?? []).map((o) => o.uid)]),
    );
  };
  const change = (patch: object) =>
    client.patch(statefulSets, "db", { spec: patch }, { ...at, type: "merge" });
  await eventually(async () => assert.deepEqual(await owners(), { "data-db-0": [], "data-db-1": [] }));

  const policy = { whenDeleted: "Delete", whenScaled: "Delete" };
  await change({ persistentVolumeClaimRetentionPolicy: policy });
  const { uid } = set.metadata;
  await eventually(async () => assert.deepEqual(await owners(), { "data-db-0": [uid], "data-db-1": [uid] }));

  await change({ replicas: 1 });
  await eventually(async () => {
    assert.deepEqual(
      (await client.list(pods, at)).items.map((p) => p.metadata.name),
      ["db-0"],
    );
    assert.deepEqual(await owners(), { "data-db-0": [uid] });
  });

  await change({ persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" } });
  await eventually(async () => assert.deepEqual(await owners(), { "data-db-0": [] }));
});
