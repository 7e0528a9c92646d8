// What clients send and how it is read: field validation, patches, server-side apply, field owners, OpenAPI.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const services = "/api/v1/namespaces/default/services";
const maps = "/api/v1/namespaces/default/configmaps";

function send(
  method: string,
  path: string,
  type: string,
  body: unknown,
  agent = "tester/1.0",
): Promise<Answer> {
  return server.request(method, path, { body, headers: { "Content-Type": type, "User-Agent": agent } });
}
const apply = (path: string, body: unknown): Promise<Answer> =>
  send("PATCH", path, "application/apply-patch+yaml", body);

test("fieldValidation: refused, warned of, or dropped", async () => {
  const body = { metadata: { name: "f" }, data: { a: "b" }, foo: 1 };
  const strict = await send("POST", `${maps}?fieldValidation=Strict`, "application/json", body);
  assert.equal(strict.status, 400);
  assert.equal(
    strict.body.message,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"',
  );
  const warned = await send("POST", `${maps}?dryRun=All`, "application/json", body);
  assert.equal(warned.status, 201, warned.text);
  assert.equal(warned.headers.warning, '299 - "unknown field \\"foo\\""');
  assert.equal(warned.body.foo, undefined);
  const ignored = await send("POST", `${maps}?fieldValidation=Ignore`, "application/json", body);
  assert.equal(ignored.status, 201);
  assert.equal(ignored.headers.warning, undefined);
});

test("bodies in YAML", async () => {
  const made = await send("POST", maps, "application/yaml", "metadata: {name: y}\ndata:\n  a: b\n");
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body.data, { a: "b" });
});

test("patches of every type, and the owners that they leave", async () => {
  const spec = {
    ports: [
      { name: "a", port: 80 },
      { name: "b", port: 81 },
    ],
    selector: { app: "x" },
  };
  const made = await send("POST", services, "application/json", { metadata: { name: "s" }, spec }, "maker/2");
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.metadata.managedFields[0].manager, "maker");
  const strategic = await send(
    "PATCH",
    `${services}/s?fieldManager=me`,
    "application/strategic-merge-patch+json",
    { spec: { ports: [{ port: 81, targetPort: "web" }] } },
  );
  assert.equal(strategic.status, 200, strategic.text);
  assert.deepEqual(
    strategic.body.spec.ports.map((p: { targetPort: unknown }) => p.targetPort),
    [80, "web"],
  );
  const mine = strategic.body.metadata.managedFields.find((e: { manager: string }) => e.manager === "me");
  assert.deepEqual(mine.fieldsV1, {
    "f:spec": { "f:ports": { 'k:{"port":81,"protocol":"TCP"}': { "f:targetPort": {} } } },
  });
  const merge = await send("PATCH", `${services}/s`, "application/merge-patch+json", {
    metadata: { labels: { l: "1" } },
  });
  assert.deepEqual(merge.body.metadata.labels, { l: "1" });
  const json = await send("PATCH", `${services}/s`, "application/json-patch+json", [
    { op: "test", path: "/spec/ports/0/name", value: "a" },
    { op: "replace", path: "/spec/ports/0/name", value: "c" },
  ]);
  assert.equal(json.body.spec.ports[0].name, "c", json.text);
  const failed = await send("PATCH", `${services}/s`, "application/json-patch+json", [
    { op: "remove", path: "/x" },
  ]);
  assert.equal(failed.status, 422);
  assert.equal(failed.body.message, "the server rejected our request due to an error in our request");
  const unchanged = await send("PATCH", `${services}/s`, "application/merge-patch+json", {});
  assert.equal(unchanged.body.metadata.resourceVersion, json.body.metadata.resourceVersion);
});

test("server-side apply creates, changes, conflicts and is forced", async () => {
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ssa" }, data: { a: "1", b: "1" } };
  const path = `${maps}/ssa`;
  assert.equal((await apply(path, config)).status, 422, "a field manager is required");
  const made = await apply(`${path}?fieldManager=one`, config);
  assert.equal(made.status, 201, made.text);
  const again = await apply(`${path}?fieldManager=one`, config);
  assert.equal(again.status, 200);
  assert.equal(again.body.metadata.resourceVersion, made.body.metadata.resourceVersion);
  const other = { ...config, data: { a: "2" } };
  const conflict = await apply(`${path}?fieldManager=two`, other);
  assert.equal(conflict.status, 409);
  assert.equal(conflict.body.message, 'Apply failed with 1 conflict: conflict with "one": .data.a');
  assert.deepEqual(conflict.body.details.causes, [
    { reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".data.a" },
  ]);
  const forced = await apply(`${path}?fieldManager=two&force=true`, other);
  assert.deepEqual(forced.body.data, { a: "2", b: "1" });
  const yaml = await apply(
    `${path}?fieldManager=one`,
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ssa}\n",
  );
  assert.deepEqual(yaml.body.data, { a: "2" }, "what is no longer applied is gone");
  const notForced = await send("PATCH", `${path}?force=true`, "application/merge-patch+json", {});
  assert.equal(notForced.status, 422);
});

test("OpenAPI documents are served, once made from memory", async () => {
  const index = await server.request("GET", "/openapi/v3");
  const { serverRelativeURL } = index.body.paths["apis/apps/v1"];
  const document = await server.request("GET", serverRelativeURL);
  assert.equal(document.status, 200);
  assert.ok(document.body.components.schemas["io.k8s.api.apps.v1.Deployment"]);
  const etag = document.headers.etag as string;
  const same = await server.request("GET", serverRelativeURL, { headers: { "If-None-Match": etag } });
  assert.equal(same.status, 304);
  for (const path of ["apis/nope/v1", "api", "x", "api/v1/pods", "apis/apps"])
    assert.equal((await server.request("GET", `/openapi/v3/${path}`)).status, 404, path);
  const swagger = await server.request("GET", "/openapi/v2");
  assert.equal(swagger.body.swagger, "2.0");
  const protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const old = await server.request("GET", "/openapi/v2", { headers: { Accept: protobuf } });
  assert.match(String(old.headers["content-type"]), /spec\.v2\.v1\.0\+protobuf$/);
  const none = await server.request("GET", "/openapi/v3/api/v1", { headers: { Accept: "text/html" } });
  assert.equal(none.status, 406);
});

test("a body nested deeply, and one with __proto__, do no harm", async () => {
  const deep = `{"metadata":{"name":"d"},"x":${"[".repeat(30000)}${"]".repeat(30000)}}`;
  assert.equal((await send("POST", maps, "application/json", deep)).status, 400);
  const text = '{"metadata":{"name":"proto"},"data":{"__proto__":"x"},"__proto__":{"polluted":1}}';
  const made = await send("POST", maps, "application/json", text);
  assert.equal(made.status, 201, made.text);
  assert.match((await server.request("GET", `${maps}/proto`)).text, /"data":\{"__proto__":"x"\}/);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test("what is wrong with the options of a write is said all at once", async () => {
  const query = `fieldManager=${"x".repeat(129)}&dryRun=Some&fieldValidation=Maybe&force=true`;
  const answer = await send("PATCH", `${maps}/y?${query}`, "application/merge-patch+json", {});
  assert.equal(answer.status, 422);
  assert.equal(
    answer.body.message,
    `PatchOptions.meta.k8s.io "" is invalid: [force: Forbidden: may not be specified for non-apply patch, fieldManager: Too long: may not be more than 128 bytes, dryRun: Unsupported value: ["Some"]: supported values: "All", fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"]`,
  );
});

test("who asks for custom resources learns that there are none", async () => {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const list = await server.request("GET", path);
  assert.deepEqual(list.body.items, []);
  assert.equal((await send("POST", path, "application/json", {})).status, 404);
});
