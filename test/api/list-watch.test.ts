// Lists and watches as clients rely on them: resourceVersion semantics, chunks, resumption, bookmarks, streaming lists, selectors.
import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer({ bookmarkMs: 100 });
});
after(() => server.close());

const cms = "/api/v1/namespaces/default/configmaps";
const put = (name: string, labels: Record<string, string> = {}, data = "1") =>
  server.request("POST", cms, { body: { metadata: { name, labels }, data: { data } } });
const names = (body: { items: { metadata: { name: string } }[] }) => body.items.map((i) => i.metadata.name);

interface Frame {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into arbitrary JSON.
  object: any;
}

/** Watches until `done` says so or the server ends it. */
function watch(
  path: string,
  done: (frames: Frame[]) => boolean = () => false,
  headers: Record<string, string> = {},
): Promise<{ status: number; frames: Frame[]; text: string; type: string | undefined }> {
  return new Promise((resolve, reject) => {
    const req = request(server.url + path, { ca: server.ca, ...server.admin, headers }, (res) => {
      let text = "";
      const result = () => ({
        status: res.statusCode!,
        text,
        type: res.headers["content-type"],
        frames: text
          .split("\n")
          .slice(0, -1)
          .map((l) => JSON.parse(l) as Frame),
      });
      res.setEncoding("utf8").on("data", (d: string) => {
        text += d;
        if (text.endsWith("\n") && res.statusCode === 200 && done(result().frames)) {
          resolve(result());
          req.destroy();
        }
      });
      res.on("end", () => resolve(result()));
      res.on("error", () => {});
    });
    req.on("error", reject);
    req.end();
  });
}

test("limit and continue walk one unchanging state, and say how much remains", async () => {
  for (let i = 0; i < 7; i++) await put(`page-${i}`, { app: "page" });
  const first = await server.request("GET", `${cms}?limit=3`);
  assert.equal(first.body.items.length, 3);
  assert.equal(first.body.metadata.remainingItemCount, 5);
  await put("page-2x", { app: "page" });
  await server.request("DELETE", `${cms}/page-5`);
  const seen = names(first.body);
  let next = first.body.metadata.continue;
  let version = first.body.metadata.resourceVersion;
  while (next) {
    const page = await server.request("GET", `${cms}?limit=3&continue=${encodeURIComponent(next)}`);
    assert.equal(page.status, 200, page.text);
    assert.equal(page.body.metadata.resourceVersion, version);
    version = page.body.metadata.resourceVersion;
    seen.push(...names(page.body));
    next = page.body.metadata.continue;
  }
  const expected = ["kube-root-ca.crt", ...Array.from({ length: 7 }, (_, i) => `page-${i}`)];
  assert.deepEqual(seen, expected);
  const selected = await server.request("GET", `${cms}?limit=2&labelSelector=app%3Dpage`);
  assert.equal(selected.body.metadata.remainingItemCount, undefined);
});

test("a continue token whose state is gone: 410 and a token for the inconsistent rest", async () => {
  const first = await server.request("GET", `${cms}?limit=2`);
  await put("z-later");
  await server.store.compact(server.store.revision);
  const token = encodeURIComponent(first.body.metadata.continue);
  const expired = await server.request("GET", `${cms}?limit=2&continue=${token}`);
  assert.equal(expired.status, 410);
  assert.equal(expired.body.reason, "Expired");
  const rest = encodeURIComponent(expired.body.metadata.continue);
  const inconsistent = await server.request("GET", `${cms}?limit=500&continue=${rest}`);
  assert.equal(inconsistent.status, 200, inconsistent.text);
  assert.ok(names(inconsistent.body).includes("z-later"));
});

const resourceVersions: [name: string, query: () => string, status: number, message: RegExp][] = [
  ["0 is any", () => "resourceVersion=0", 200, /ConfigMapList/],
  ["the newest", () => `resourceVersion=${server.store.revision}`, 200, /ConfigMapList/],
  [
    "exactly the newest",
    () => `resourceVersion=${server.store.revision}&resourceVersionMatch=Exact`,
    200,
    /ConfigMapList/,
  ],
  ["from the future", () => "resourceVersion=99999999", 504, /Too large resource version: 99999999/],
  ["no number", () => "resourceVersion=x", 400, /Invalid value/],
  ["a rule without a version", () => "resourceVersionMatch=Exact", 422, /forbidden unless resourceVersion/],
  ["initial events", () => "sendInitialEvents=true", 422, /sendInitialEvents is forbidden for list/],
  [
    "a rule while going on",
    () => "continue=x&resourceVersion=1&resourceVersionMatch=Exact",
    422,
    /when continue is/,
  ],
  ["a broken token", () => "continue=abc", 400, /invalid continue token: continue key is not valid/],
  ["an unknown rule", () => "resourceVersion=1&resourceVersionMatch=Foo", 422, /Unsupported value/],
  ["exactly 0", () => "resourceVersion=0&resourceVersionMatch=Exact", 422, /forbidden for resourceVersion/],
  ["exactly one that is gone", () => "resourceVersion=1&resourceVersionMatch=Exact", 410, /too old/],
];
for (const [name, query, status, message] of resourceVersions)
  test(`list with a resourceVersion: ${name}`, async () => {
    await server.store.compact(server.store.revision - 1);
    const answer = await server.request("GET", `${cms}?${query()}`);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, message);
    if (status === 504) assert.equal(answer.body.details.causes[0].reason, "ResourceVersionTooLarge");
  });

test("a watch resumes after the version it names, and ends at its time", async () => {
  const { resourceVersion } = (await put("w1")).body.metadata;
  await put("w2");
  await server.request("PATCH", `${cms}/w2`, {
    body: { data: { data: "2" } },
    headers: { "Content-Type": "application/merge-patch+json" },
  });
  await server.request("DELETE", `${cms}/w2`);
  const { frames, status } = await watch(
    `${cms}?watch=1&resourceVersion=${resourceVersion}&timeoutSeconds=1`,
  );
  assert.equal(status, 200);
  assert.deepEqual(
    frames.map((f) => `${f.type} ${f.object.kind} ${f.object.metadata.name}`),
    ["ADDED ConfigMap w2", "MODIFIED ConfigMap w2", "DELETED ConfigMap w2"],
  );
  const versions = frames.map((f) => Number(f.object.metadata.resourceVersion));
  assert.deepEqual(
    versions,
    [...versions].sort((a, b) => a - b),
  );
  assert.ok(versions[0]! > Number(resourceVersion));
});

test("a watch without a version, or from 0, begins with what there is", async () => {
  await put("there");
  for (const query of ["", "&resourceVersion=0", "&resourceVersion="]) {
    const { frames } = await watch(
      `${cms}?watch=true&fieldSelector=metadata.name%3Dthere${query}`,
      (f) => f.length > 0,
    );
    assert.equal(frames[0]!.type, "ADDED");
    assert.equal(frames[0]!.object.metadata.name, "there");
  }
});

test("a watch from a version that is gone is told so by an ERROR event", async () => {
  await put("gone");
  await server.store.compact(server.store.revision);
  const { frames } = await watch(`${cms}?watch=1&resourceVersion=1`);
  assert.equal(frames.length, 1);
  assert.equal(frames[0]!.type, "ERROR");
  assert.equal(frames[0]!.object.code, 410);
  assert.equal(frames[0]!.object.reason, "Expired");
});

test("bookmarks carry the version up to which nothing was missed", async () => {
  const { resourceVersion } = (await put("mark")).body.metadata;
  await server.request("POST", "/api/v1/namespaces/default/secrets", {
    body: { metadata: { name: "other" } },
  });
  const { frames } = await watch(
    `${cms}?watch=1&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`,
    (f) => f.length > 0,
  );
  assert.equal(frames[0]!.type, "BOOKMARK");
  assert.equal(frames[0]!.object.kind, "ConfigMap");
  assert.ok(Number(frames[0]!.object.metadata.resourceVersion) > Number(resourceVersion));
});

test("a streaming list: everything, then the mark, then what follows", async () => {
  const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  let written = false;
  const { frames } = await watch(`${cms}?${query}`, (f) => {
    const ended = f.some((e) => e.object.metadata.annotations?.["k8s.io/initial-events-end"] === "true");
    if (ended && !written) {
      written = true;
      void put("streamed");
    }
    return f.some((e) => e.object.metadata.name === "streamed");
  });
  const mark = frames.findIndex((f) => f.type === "BOOKMARK");
  assert.ok(mark > 0);
  assert.ok(frames.slice(0, mark).every((f) => f.type === "ADDED"));
  assert.equal(frames[mark]!.object.metadata.annotations["k8s.io/initial-events-end"], "true");
  const refused = await server.request("GET", `${cms}?watch=1&sendInitialEvents=true`);
  assert.equal(refused.status, 422, refused.text);
});

test("what leaves a selector is told as deleted, what enters as added", async () => {
  const { resourceVersion } = (await put("sel", { tier: "a" }, "before")).body.metadata;
  const setTier = (tier: string, data: string) =>
    server.request("PATCH", `${cms}/sel`, {
      body: { metadata: { labels: { tier } }, data: { data } },
      headers: { "Content-Type": "application/merge-patch+json" },
    });
  await setTier("b", "after");
  await setTier("a", "again");
  const { frames } = await watch(
    `${cms}?watch=1&labelSelector=tier%3Da&resourceVersion=${resourceVersion}`,
    (f) => f.length === 2,
  );
  assert.deepEqual(
    frames.map((f) => `${f.type} ${f.object.data.data}`),
    ["DELETED before", "ADDED again"],
  );
  assert.ok(Number(frames[0]!.object.metadata.resourceVersion) > Number(resourceVersion));
});

test("the legacy watch paths", async () => {
  await put("legacy");
  const { frames } = await watch("/api/v1/watch/namespaces/default/configmaps/legacy", (f) => f.length > 0);
  assert.equal(frames[0]!.object.metadata.name, "legacy");
});

test("Tables and PartialObjectMetadata, in lists and watches", async () => {
  await put("shown");
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const list = await server.request("GET", `${cms}?fieldSelector=metadata.name%3Dshown`, {
    headers: { Accept: `${accept},application/json` },
  });
  assert.equal(list.body.kind, "Table");
  assert.deepEqual(
    list.body.columnDefinitions.map((c: { name: string }) => c.name),
    ["Name", "Data", "Age"],
  );
  assert.equal(list.body.rows[0].cells[0], "shown");
  assert.equal(list.body.rows[0].object.kind, "PartialObjectMetadata");
  const { frames } = await watch(`${cms}?watch=1&fieldSelector=metadata.name%3Dshown`, (f) => f.length > 0, {
    Accept: accept,
  });
  assert.equal(frames[0]!.object.kind, "Table");
  assert.equal(frames[0]!.object.rows[0].cells[0], "shown");
  const template = {
    metadata: { labels: { app: "shown" } },
    spec: { containers: [{ name: "c", image: "nginx" }] },
  };
  const spec = { replicas: 2, selector: { matchLabels: { app: "shown" } }, template };
  const sets = "/apis/apps/v1/namespaces/default/replicasets";
  await server.request("POST", sets, { body: { metadata: { name: "shown" }, spec } });
  const scale = await server.request("GET", `${sets}/shown/scale`, { headers: { Accept: accept } });
  assert.deepEqual(
    scale.body.columnDefinitions.map((c: { name: string }) => c.name),
    ["Name", "Desired", "Available", "Age"],
  );
  assert.deepEqual(scale.body.rows[0].cells.slice(0, 3), ["shown", 2, 0]);
  const partial = await server.request("GET", cms, {
    headers: { Accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" },
  });
  assert.equal(partial.body.kind, "PartialObjectMetadataList");
  assert.equal(partial.body.items[0].data, undefined);
  const refused = await server.request("GET", cms, { headers: { Accept: "application/xml" } });
  assert.equal(refused.status, 406);
});

test("a field that the kind does not know, a selector that cannot be read", async () => {
  const field = await server.request("GET", "/api/v1/pods?fieldSelector=spec.foo%3D1");
  assert.equal(field.status, 400);
  assert.match(field.body.message, /field label not supported: spec\.foo/);
  const label = await server.request("GET", "/api/v1/pods?labelSelector=a%20in");
  assert.equal(label.status, 400, label.text);
});

test("a watcher that does not read is cut, others go on", { timeout: 20_000 }, async () => {
  const stop = new AbortController();
  const req = request(`${server.url}${cms}?watch=1`, { ca: server.ca, ...server.admin, signal: stop.signal });
  const started = new Promise((resolve) => req.on("response", (res) => resolve(res.pause())));
  req.on("error", () => {});
  req.end();
  await started;
  const other = watch(`${cms}?watch=1&resourceVersion=${server.store.revision}`, (f) =>
    f.some((e) => e.object.metadata.name === "after-flood"),
  );
  const { client } = server.api;
  const { configMaps } = await import("../../src/core/api/refs.ts");
  for (let i = 0; i < 200; i++)
    await client.create(configMaps, {
      metadata: { name: `flood-${i}`, namespace: "default" },
      data: { x: "y".repeat(20_000) },
    } as never);
  await put("after-flood");
  assert.ok((await other).frames.length >= 201);
  stop.abort();
});
