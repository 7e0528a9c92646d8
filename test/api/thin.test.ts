// The thin thread: create, read, list, watch, update, delete over TLS.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configMaps } from "../../src/core/api/refs.ts";
import { startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer({ lmdb: true });
});
after(() => server.close());

const configmaps = "/api/v1/namespaces/default/configmaps";

test("an object is created, read, listed, changed and deleted", async () => {
  const created = await server.request("POST", configmaps, {
    body: { metadata: { name: "a" }, data: { x: "1" } },
  });
  assert.equal(created.status, 201, created.text);
  assert.equal(created.body.kind, "ConfigMap");
  assert.match(created.body.metadata.uid, /^[0-9a-f-]{36}$/);
  const got = await server.request("GET", `${configmaps}/a`);
  assert.equal(got.text, created.text);
  const list = await server.request("GET", configmaps);
  assert.deepEqual(
    list.body.items.map((i: { metadata: { name: string } }) => i.metadata.name),
    ["a", "kube-root-ca.crt"],
  );
  const changed = await server.request("PUT", `${configmaps}/a`, {
    body: { ...created.body, data: { x: "2" } },
  });
  assert.equal(changed.status, 200, changed.text);
  const stale = await server.request("PUT", `${configmaps}/a`, { body: created.body });
  assert.equal(stale.status, 409);
  const deleted = await server.request("DELETE", `${configmaps}/a`);
  assert.equal(deleted.body.status, "Success", deleted.text);
  assert.equal((await server.request("GET", `${configmaps}/a`)).status, 404);
});

test("the client in the process sees what HTTP clients write, and the other way round", async () => {
  const { client } = server.api;
  const stop = new AbortController();
  const { resourceVersion } = (await client.list(configMaps)).metadata;
  const seen: string[] = [];
  const watching = (async () => {
    for await (const e of client.watch(configMaps, { resourceVersion, signal: stop.signal })) {
      seen.push(`${e.type} ${e.object.metadata.name}`);
      if (seen.length === 3) stop.abort();
    }
  })();
  await server.request("POST", configmaps, { body: { metadata: { name: "w" } } });
  await client.patch(configMaps, "w", { data: { a: "b" } }, { namespace: "default", type: "merge" });
  await client.delete(configMaps, "w", { namespace: "default" });
  await watching;
  assert.deepEqual(seen, ["ADDED w", "MODIFIED w", "DELETED w"]);
});
