import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../../test/support/api-rig.ts";
import { eventually } from "../../../../test/support/eventually.ts";
import { configMaps, namespaces, serviceAccounts } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { Namespace } from "../../../core/api/types.ts";
import type { KubeClient } from "../../client/mod.ts";
import { startRootCertificates } from "../rootca/mod.ts";
import { startServiceAccounts } from "../serviceaccount/mod.ts";
import { startNamespaces } from "./mod.ts";

const gone = (client: KubeClient, name: string): Promise<void> =>
  eventually(() => assert.rejects(client.get(namespaces, name), (e) => isNotFound(e)));
const conditions = (ns: Namespace): string[] =>
  (ns.status?.conditions ?? []).filter((c) => c.status === "True").map((c) => `${c.reason}: ${c.message}`);

test("every namespace has its ServiceAccount and root certificate, also after somebody spoils them", async (t) => {
  const { client, log } = await startApiRig(t, [startServiceAccounts, startRootCertificates]);
  await client.create(namespaces, { metadata: { name: "shop" } });
  for (const namespace of ["default", "shop"])
    await eventually(async () => {
      await client.get(serviceAccounts, "default", { namespace });
      const { data, metadata } = await client.get(configMaps, "kube-root-ca.crt", { namespace });
      assert.match(data!["ca.crt"]!, /BEGIN CERTIFICATE/);
      assert.match(metadata.annotations!["kubernetes.io/description"]!, /^Contains a CA bundle/);
    });
  await client.delete(serviceAccounts, "default", { namespace: "shop" });
  await client.patch(
    configMaps,
    "kube-root-ca.crt",
    { data: { "ca.crt": "lie", more: "x" } },
    { namespace: "shop", type: "merge" },
  );
  await eventually(async () => {
    await client.get(serviceAccounts, "default", { namespace: "shop" });
    const { data } = await client.get(configMaps, "kube-root-ca.crt", { namespace: "shop" });
    assert.deepEqual(Object.keys(data!), ["ca.crt"]);
    assert.match(data!["ca.crt"]!, /BEGIN/);
  });
  assert.deepEqual(
    log.filter((l) => l.level !== "debug"),
    [],
  );
});

test("a deleted namespace is emptied and goes, with its keepers at work", async (t) => {
  const { client, log } = await startApiRig(t, [
    startNamespaces,
    startServiceAccounts,
    startRootCertificates,
  ]);
  await client.create(namespaces, { metadata: { name: "shop" } });
  await client.create(configMaps, { metadata: { name: "one" } }, { namespace: "shop" });
  await client.delete(namespaces, "shop");
  await gone(client, "shop");
  assert.equal((await client.list(configMaps, { namespace: "shop" })).items.length, 0);
  assert.deepEqual(
    log.filter((l) => l.level !== "debug"),
    [],
  );
});

test("what a finalizer holds is named in the conditions, and waited for", async (t) => {
  const { client } = await startApiRig(t, [startNamespaces]);
  await client.create(namespaces, { metadata: { name: "shop" } });
  const held = { metadata: { name: "held", finalizers: ["example.com/hold"] } };
  await client.create(configMaps, held, { namespace: "shop" });
  await client.delete(namespaces, "shop");
  await eventually(async () =>
    assert.deepEqual(conditions(await client.get(namespaces, "shop")), [
      "SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances",
      "SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
    ]),
  );
  await client.patch(
    configMaps,
    "held",
    { metadata: { finalizers: null } },
    { namespace: "shop", type: "merge" },
  );
  await gone(client, "shop");
});
