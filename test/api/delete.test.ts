// Deleting: grace, finalizers, propagation, preconditions, collections, namespaces.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const core = "/api/v1/namespaces/default";
const cms = `${core}/configmaps`;
const pods = `${core}/pods`;
const merge = { "Content-Type": "application/merge-patch+json" };
const make = (path: string, body: unknown) => server.request("POST", path, { body });
const get = (path: string) => server.request("GET", path);
const del = (path: string, body?: unknown) =>
  server.request("DELETE", path, body === undefined ? {} : { body });
const pod = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: "c", image: "i" }], ...spec },
});

test("the answer of a finished deletion names what went", async () => {
  const { uid } = (await make(cms, { metadata: { name: "a" } })).body.metadata;
  const answer = await del(`${cms}/a`);
  assert.deepEqual(answer.body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: "a", kind: "configmaps", uid },
  });
  assert.equal((await del(`${cms}/a`)).status, 404);
});

test("a pod on a node gets its grace period; a shorter one counts, a longer one does not; 0 is at once", async () => {
  await make(pods, pod("graceful", { nodeName: "n1" }));
  const first = await del(`${pods}/graceful`, { gracePeriodSeconds: 20 });
  assert.equal(first.status, 200);
  assert.equal(first.body.metadata.deletionGracePeriodSeconds, 20);
  assert.ok(Date.parse(first.body.metadata.deletionTimestamp) > Date.now() + 10_000);
  await del(`${pods}/graceful`, { gracePeriodSeconds: 60 });
  assert.equal((await get(`${pods}/graceful`)).body.metadata.deletionGracePeriodSeconds, 20);
  await del(`${pods}/graceful`, { gracePeriodSeconds: 5 });
  assert.equal((await get(`${pods}/graceful`)).body.metadata.deletionGracePeriodSeconds, 5);
  const last = await del(`${pods}/graceful?gracePeriodSeconds=0`);
  assert.equal(last.body.kind, "Pod");
  assert.equal((await get(`${pods}/graceful`)).status, 404);
});

test("a pod that no node has goes at once", async () => {
  await make(pods, pod("homeless"));
  await del(`${pods}/homeless`);
  assert.equal((await get(`${pods}/homeless`)).status, 404);
});

test("finalizers hold an object until the last is gone", async () => {
  await make(cms, { metadata: { name: "held", finalizers: ["example.com/a"] } });
  const first = await del(`${cms}/held`);
  assert.equal(first.body.kind, "ConfigMap");
  assert.ok(first.body.metadata.deletionTimestamp);
  assert.equal((await get(`${cms}/held`)).status, 200);
  const body = { metadata: { finalizers: null } };
  const freed = await server.request("PATCH", `${cms}/held`, { body, headers: merge });
  assert.equal(freed.status, 200, freed.text);
  assert.equal((await get(`${cms}/held`)).status, 404);
});

for (const [policy, finalizer] of [
  ["Foreground", "foregroundDeletion"],
  ["Orphan", "orphan"],
] as const)
  test(`propagationPolicy ${policy} leaves the rest to the garbage collector`, async () => {
    const name = policy.toLowerCase();
    await make(cms, { metadata: { name } });
    const answer = await del(`${cms}/${name}`, { propagationPolicy: policy });
    assert.deepEqual(answer.body.metadata.finalizers, [finalizer]);
    const again = await del(`${cms}/${name}`, { propagationPolicy: "Background" });
    assert.equal(again.body.status, "Success", again.text);
  });

test("refused deletions", async () => {
  const { uid } = (await make(cms, { metadata: { name: "kept" } })).body.metadata;
  const other = await del(`${cms}/kept`, { preconditions: { uid: "other" } });
  assert.equal(other.status, 409);
  assert.match(other.body.message, new RegExp(`UID in precondition: other, UID in object meta: ${uid}`));
  assert.equal((await del(`${cms}/kept`, { preconditions: { resourceVersion: "1" } })).status, 409);
  assert.equal((await del(`${cms}/kept`, { propagationPolicy: "Sideways" })).status, 422);
  assert.equal((await get(`${cms}/kept`)).status, 200);
});

test("a collection is deleted by selector", async () => {
  for (let i = 0; i < 120; i++)
    await make(cms, { metadata: { name: `c${i}`, labels: { odd: String(i % 2) } } });
  const answer = await del(`${cms}?labelSelector=odd%3D1`);
  assert.equal(answer.body.items.length, 60, answer.text.slice(0, 300));
  assert.equal((await get(`${cms}?labelSelector=odd%3D1`)).body.items.length, 0);
  assert.equal((await get(`${cms}?labelSelector=odd%3D0`)).body.items.length, 60);
});

test("eviction deletes and says why", async () => {
  await make(pods, pod("evicted", { nodeName: "n1" }));
  const answer = await make(`${pods}/evicted/eviction`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name: "evicted" },
  });
  assert.equal(answer.status, 201, answer.text);
  const left = (await get(`${pods}/evicted`)).body;
  assert.ok(left.metadata.deletionTimestamp);
  assert.equal(
    left.status.conditions.find((c: { type: string }) => c.type === "DisruptionTarget").reason,
    "EvictionByEvictionAPI",
  );
});

test("a namespace terminates, takes nothing new, and goes when it is finalized", async () => {
  await make("/api/v1/namespaces", { metadata: { name: "going" } });
  const gone = await del("/api/v1/namespaces/going");
  assert.equal(gone.body.status.phase, "Terminating");
  const refused = await make("/api/v1/namespaces/going/configmaps", { metadata: { name: "x" } });
  assert.equal(refused.status, 403);
  assert.equal(
    refused.body.message,
    'configmaps "x" is forbidden: unable to create new content in namespace going because it is being terminated',
  );
  assert.equal(refused.body.details.causes[0].reason, "NamespaceTerminating");
  assert.equal((await del("/api/v1/namespaces/going")).body.status.phase, "Terminating");
  const body = { metadata: { name: "going" }, spec: { finalizers: [] } };
  const final = await server.request("PUT", "/api/v1/namespaces/going/finalize", { body });
  assert.equal(final.status, 200, final.text);
  assert.equal((await get("/api/v1/namespaces/going")).status, 404);
  const immortal = await del("/api/v1/namespaces/default");
  assert.equal(immortal.status, 403);
});

test("jobs and replication controllers leave their pods behind unless told otherwise", async () => {
  const template = {
    metadata: { labels: { a: "b" } },
    spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] },
  };
  const jobs = "/apis/batch/v1/namespaces/default/jobs";
  await make(jobs, { metadata: { name: "j" }, spec: { template } });
  const job = await del(`${jobs}/j`);
  assert.deepEqual(job.body.metadata?.finalizers, ["orphan"], job.text);
  assert.match(String(job.headers.warning), /child pods are preserved by default when jobs are deleted/);
  await make(jobs, { metadata: { name: "k" }, spec: { template } });
  const gone = await del(`${jobs}/k`, { propagationPolicy: "Background" });
  assert.equal(gone.headers.warning, undefined);
});
