import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import {
  configMaps,
  deployments,
  pods,
  replicaSets,
  replicationControllers,
} from "../../../core/api/refs.ts";
import type { ConfigMap, OwnerReference } from "../../../core/api/types.ts";
import type { KubeClient } from "../../client/mod.ts";
import { startDeployments } from "../deployment/mod.ts";
import { startReplicaSets } from "../replicaset/mod.ts";
import { startReplicationControllers } from "../replicationcontroller/mod.ts";
import { startServiceAccounts } from "../serviceaccount/mod.ts";
import { startGarbageCollector } from "./mod.ts";

const namespace = "default";
const labels = { app: "web" };
const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "nginx" }] } };
async function make(
  client: KubeClient,
  name: string,
  owners: ConfigMap[] = [],
  block = false,
): Promise<ConfigMap> {
  const ownerReferences: OwnerReference[] = owners.map((o) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    name: o.metadata.name!,
    uid: o.metadata.uid!,
    blockOwnerDeletion: block,
  }));
  return client.create<ConfigMap>(configMaps, { metadata: { name, ownerReferences } }, { namespace });
}
const names = async (client: KubeClient): Promise<string[]> =>
  (await client.list(configMaps, { namespace })).items.map((o) => o.metadata.name!).sort();

test("what is owned goes after its owner, level by level; a second owner holds it", async (t) => {
  const { client } = await startApiRig(t, [startGarbageCollector]);
  const top = await make(client, "top");
  const other = await make(client, "other");
  const middle = await make(client, "middle", [top]);
  await make(client, "leaf", [middle]);
  const shared = await make(client, "shared", [top, other]);
  await client.delete(configMaps, "top", { namespace });
  await eventually(async () => assert.deepEqual(await names(client), ["other", "shared"]));
  await eventually(async () => {
    const left = (await client.get(configMaps, "shared", { namespace })).metadata;
    assert.deepEqual(
      left.ownerReferences?.map((o) => o.name),
      ["other"],
    );
    assert.equal(left.uid, shared.metadata.uid);
  });
});

test("an owner that never was, or was another of that name, counts as gone", async (t) => {
  const { client } = await startApiRig(t, [startGarbageCollector]);
  const real = await make(client, "real");
  await make(client, "of-nobody", [
    { metadata: { name: "nobody", uid: "00000000-0000-0000-0000-000000000001" } },
  ]);
  await make(client, "of-namesake", [
    { metadata: { name: "real", uid: "00000000-0000-0000-0000-000000000002" } },
  ]);
  await make(client, "of-real", [real]);
  await eventually(async () => assert.deepEqual(await names(client), ["of-real", "real"]));
});

test("foreground: the owner goes after those that block it, though a finalizer holds one up", async (t) => {
  const { client } = await startApiRig(t, [startGarbageCollector]);
  const top = await make(client, "top");
  await make(client, "blocking", [top], true);
  await client.patch(
    configMaps,
    "blocking",
    { metadata: { finalizers: ["example.com/hold"] } },
    { namespace, type: "merge" },
  );
  await make(client, "loose", [top]);
  await client.delete(configMaps, "top", { namespace, propagationPolicy: "Foreground" });
  await eventually(async () => {
    const blocking = await client.get(configMaps, "blocking", { namespace });
    assert.ok(blocking.metadata.deletionTimestamp);
  });
  await new Promise((r) => setTimeout(r, 30));
  assert.ok((await names(client)).includes("top"));
  await client.patch(
    configMaps,
    "blocking",
    { metadata: { finalizers: null } },
    { namespace, type: "merge" },
  );
  await eventually(async () => assert.deepEqual(await names(client), []));
});

test("foreground in a circle comes to an end", async (t) => {
  const { client } = await startApiRig(t, [startGarbageCollector]);
  const first = await make(client, "first");
  const second = await make(client, "second", [first], true);
  const back = {
    apiVersion: "v1",
    kind: "ConfigMap",
    name: "second",
    uid: second.metadata.uid,
    blockOwnerDeletion: true,
  };
  await client.patch(
    configMaps,
    "first",
    { metadata: { ownerReferences: [back] } },
    { namespace, type: "merge" },
  );
  await client.delete(configMaps, "first", { namespace, propagationPolicy: "Foreground" });
  await eventually(async () => assert.deepEqual(await names(client), []));
});

test("orphaned dependents stay without their owner", async (t) => {
  const { client } = await startApiRig(t, [startGarbageCollector]);
  const top = await make(client, "top");
  await make(client, "left", [top]);
  await client.delete(configMaps, "top", { namespace, propagationPolicy: "Orphan" });
  await eventually(async () => {
    assert.deepEqual(await names(client), ["left"]);
    assert.equal(
      (await client.get(configMaps, "left", { namespace })).metadata.ownerReferences?.length ?? 0,
      0,
    );
  });
});

test("a Deployment takes its ReplicaSets and pods with it; a ReplicationController leaves its pods unless told", async (t) => {
  const { client, log } = await startApiRig(t, [
    startGarbageCollector,
    startDeployments,
    startReplicaSets,
    startReplicationControllers,
    startServiceAccounts,
  ]);
  const spec = { replicas: 3, selector: { matchLabels: labels }, template };
  await client.create(deployments, { metadata: { name: "web" }, spec } as never, { namespace });
  const count = async (): Promise<number> => (await client.list(pods, { namespace })).items.length;
  await eventually(async () => assert.equal(await count(), 3));
  await eventually(async () =>
    assert.equal((await client.get(deployments, "web", { namespace })).status?.replicas, 3),
  );
  await client.delete(deployments, "web", { namespace });
  await eventually(async () => {
    assert.equal(await count(), 0);
    assert.equal((await client.list(replicaSets, { namespace })).items.length, 0);
  });
  const rc = { metadata: { name: "old" }, spec: { replicas: 2, selector: labels, template } };
  await client.create(replicationControllers, rc as never, { namespace });
  await eventually(async () => assert.equal(await count(), 2));
  await client.delete(replicationControllers, "old", { namespace });
  await eventually(async () => {
    assert.equal((await client.list(replicationControllers, { namespace })).items.length, 0);
    const left = (await client.list(pods, { namespace })).items;
    assert.deepEqual(
      left.map((p) => p.metadata.ownerReferences?.length ?? 0),
      [0, 0],
    );
  });
  assert.deepEqual(
    log.filter((l) => l.level !== "debug"),
    [],
  );
});
