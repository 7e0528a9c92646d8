import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiRig } from "../../../test/support/api-rig.ts";
import { testCluster } from "../../../test/support/api-server.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { endpointSlices, endpoints, namespaces, services } from "../../core/api/refs.ts";
import { ensureBootstrapObjects } from "./bootstrap.ts";
import { keepBootstrapObjects } from "./bootstrap-keeper.ts";

test("what is deleted or changed comes back at once", async (t) => {
  const { client } = await startApiRig(t, []);
  const stop = new AbortController();
  await ensureBootstrapObjects(client, testCluster, "CA");
  const options = { cluster: testCluster, caCert: "CA", onError() {} };
  const running = keepBootstrapObjects(client, options, stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  const at = { namespace: "default" };
  const before = await client.get(services, "kubernetes", at);

  await client.delete(services, "kubernetes", at);
  await eventually(async () => {
    const after = await client.get(services, "kubernetes", at);
    assert.notEqual(after.metadata.uid, before.metadata.uid);
    assert.equal(after.spec?.clusterIP, testCluster.apiServiceAddress);
  });

  await client.delete(services, "kube-dns", { namespace: "kube-system" });
  await eventually(async () => {
    const dns = await client.get(services, "kube-dns", { namespace: "kube-system" });
    assert.equal(dns.spec?.clusterIP, testCluster.dnsAddress);
  });

  await client.patch(endpoints, "kubernetes", { subsets: null }, { ...at, type: "merge" });
  await client.delete(endpointSlices, "kubernetes", at);
  await eventually(async () => {
    const e = await client.get(endpoints, "kubernetes", at);
    assert.equal(e.subsets?.[0]?.addresses?.[0]?.ip, testCluster.apiServer.host);
    await client.get(endpointSlices, "kubernetes", at);
  });
  await client.patch(endpointSlices, "kubernetes", { ports: [] }, { ...at, type: "merge" });
  await eventually(async () => {
    const slice = await client.get(endpointSlices, "kubernetes", at);
    assert.equal(slice.ports?.[0]?.port, testCluster.apiServer.port);
  });

  await client.delete(namespaces, "kube-node-lease");
  const gone = { spec: { finalizers: [] } };
  const name = "kube-node-lease";
  const dying = await client.get(namespaces, name);
  await client.update(namespaces, { ...dying, ...gone }, { subresource: "finalize" });
  await eventually(async () => {
    const ns = await client.get(namespaces, name);
    assert.notEqual(ns.metadata.uid, dying.metadata.uid);
  });
});
