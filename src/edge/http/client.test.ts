import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createTestPki } from "../../../test/support/pki.ts";
import { namespaces, pods } from "../../core/api/refs.ts";
import { isExpired, isNotFound, notFound, type StatusError } from "../../core/api/status.ts";
import type { Pod } from "../../core/api/types.ts";
import { createHttpClient, type HttpClient, type HttpClientOptions } from "./client.ts";

interface Seen {
  method: string;
  url: string;
  type: string | undefined;
  body: string;
  user: string;
  authorization: string | undefined;
}

let answer: (seen: Seen, response: ServerResponse) => void;
let seen: Seen[] = [];
let connections = 0;
let client: HttpClient;
let options: HttpClientOptions;
let stopServer: () => void;

async function onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += chunk;
  const socket = request.socket as import("node:tls").TLSSocket;
  const call: Seen = {
    method: request.method!,
    url: request.url!,
    type: request.headers["content-type"],
    body,
    user: String(socket.getPeerCertificate().subject?.CN ?? ""),
    authorization: request.headers.authorization,
  };
  seen.push(call);
  answer(call, response);
}

before(async () => {
  const pki = await createTestPki();
  const server = createServer(
    { ...(await pki.serving("127.0.0.1")), ca: pki.ca, requestCert: true, rejectUnauthorized: false },
    onRequest,
  );
  server.on("secureConnection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const pair = await pki.client("system:node:n1", "system:nodes");
  options = { server: { host: "127.0.0.1", port }, ca: pki.ca, ...pair, maxSockets: 4 };
  client = createHttpClient(options);
  stopServer = () => {
    server.closeAllConnections();
    server.close();
  };
});
after(() => {
  client.close();
  stopServer();
});

const pod = { metadata: { name: "a b", namespace: "ns" } } as Pod;
const say = (code: number, value: unknown, headers: Record<string, string> = {}) => {
  answer = (_, response) => {
    response.writeHead(code, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
};

const calls: { name: string; run: () => Promise<unknown>; expect: Partial<Seen> }[] = [
  {
    name: "get names the object, escaped",
    run: () => client.get(pods, "a b", { namespace: "ns", subresource: "status" }),
    expect: { method: "GET", url: "/api/v1/namespaces/ns/pods/a%20b/status", user: "system:node:n1" },
  },
  {
    name: "list carries selectors and limits",
    run: () => client.list(pods, { fieldSelector: "spec.nodeName=n1", limit: 5 }),
    expect: { method: "GET", url: "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=5" },
  },
  {
    name: "create takes the namespace of the object and names the kind",
    run: () => client.create(pods, pod, { dryRun: true, fieldManager: "m" }),
    expect: {
      method: "POST",
      url: "/api/v1/namespaces/ns/pods?dryRun=All&fieldManager=m",
      type: "application/json",
      body: JSON.stringify({ ...pod, apiVersion: "v1", kind: "Pod" }),
    },
  },
  {
    name: "create on a subresource leaves the body alone",
    run: () => client.create(pods, pod, { namespace: "ns", name: "x", subresource: "binding" }),
    expect: { method: "POST", url: "/api/v1/namespaces/ns/pods/x/binding", body: JSON.stringify(pod) },
  },
  {
    name: "update puts the status",
    run: () => client.update(pods, pod, { subresource: "status" }),
    expect: { method: "PUT", url: "/api/v1/namespaces/ns/pods/a%20b/status" },
  },
  {
    name: "patch says its type",
    run: () =>
      client.patch(
        namespaces,
        "n",
        { a: 1 },
        { type: "apply", fieldManager: "f", force: true, namespace: "n" },
      ),
    expect: {
      method: "PATCH",
      url: "/api/v1/namespaces/n?fieldManager=f&force=true",
      type: "application/apply-patch+yaml",
      body: '{"a":1}',
    },
  },
  {
    name: "delete sends DeleteOptions",
    run: () =>
      client.delete(pods, "x", { namespace: "ns", gracePeriodSeconds: 0, preconditions: { uid: "u" } }),
    expect: {
      method: "DELETE",
      url: "/api/v1/namespaces/ns/pods/x",
      body: '{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}',
    },
  },
];
for (const { name, run, expect } of calls)
  test(name, async () => {
    seen = [];
    say(200, pod);
    await run();
    assert.equal(seen.length, 1);
    for (const key of Object.keys(expect) as (keyof Seen)[]) assert.equal(seen[0]![key], expect[key]);
  });

test("a refusal is the server's own Status", async () => {
  say(404, notFound({ group: "", resource: "pods" }, "x").status);
  const error = await client.get(pods, "x", { namespace: "ns" }).catch((e: unknown) => e);
  assert.ok(isNotFound(error));
  assert.equal((error as Error).message, 'pods "x" not found');
});

test("an answer that is no Status keeps its code and text", async () => {
  answer = (_, response) => response.writeHead(502).end("bad gateway\n");
  await assert.rejects(client.get(pods, "x"), (e: StatusError) => {
    assert.equal(e.code, 502);
    assert.match(e.message, /bad gateway/);
    return true;
  });
});

test("429 with Retry-After is tried again", async () => {
  seen = [];
  answer = (_, response) => {
    if (seen.length < 3) response.writeHead(429, { "retry-after": "0" }).end("{}");
    else response.writeHead(200).end(JSON.stringify(pod));
  };
  await client.get(pods, "x");
  assert.equal(seen.length, 3);
});

test("a server that does not answer is given up", async () => {
  const hasty = createHttpClient({ ...options, timeoutMs: 50 });
  answer = () => {};
  await assert.rejects(
    hasty.get(pods, "x"),
    /GET https:\/\/127\.0\.0\.1:\d+\/api\/v1\/pods\/x: no answer within/,
  );
  const watch = hasty.watch(pods, { signal: new AbortController().signal })[Symbol.asyncIterator]();
  await assert.rejects(watch.next(), /no answer within/);
  hasty.close();
});

test("a token is asked for each request", async () => {
  let n = 0;
  const { cert: _cert, key: _key, ...rest } = options;
  const bearer = createHttpClient({ ...rest, token: () => `t${++n}` });
  say(200, pod);
  seen = [];
  await bearer.get(pods, "mine");
  await bearer.get(pods, "mine");
  // A request that the test before gave up may still be on its way.
  assert.deepEqual(
    seen.filter((s) => s.url.endsWith("/mine")).map((s) => s.authorization),
    ["Bearer t1", "Bearer t2"],
  );
  bearer.close();
});

test("many requests share few connections", async () => {
  say(200, pod);
  connections = 0;
  await Promise.all(Array.from({ length: 50 }, () => client.get(pods, "x")));
  assert.ok(connections <= 4, `${connections} connections`);
});

test("a watch yields events split anywhere and ends with its response", async () => {
  const text = ["ADDED", "MODIFIED", "BOOKMARK"]
    .map((type, i) => `${JSON.stringify({ type, object: { metadata: { name: `ä${i}` } } })}\n`)
    .join("");
  seen = [];
  answer = async (_, response) => {
    response.writeHead(200);
    for (const byte of Buffer.from(text)) {
      response.write(Buffer.of(byte));
      if (byte === 0xa4) await new Promise((r) => setTimeout(r, 2));
    }
    response.end();
  };
  const got: string[] = [];
  const watch = client.watch(pods, {
    namespace: "ns",
    resourceVersion: "7",
    timeoutSeconds: 300,
    allowWatchBookmarks: true,
    signal: new AbortController().signal,
  });
  for await (const e of watch) got.push(`${e.type} ${e.object.metadata.name}`);
  assert.deepEqual(got, ["ADDED ä0", "MODIFIED ä1", "BOOKMARK ä2"]);
  assert.equal(
    seen[0]!.url,
    "/api/v1/namespaces/ns/pods?resourceVersion=7&watch=true&allowWatchBookmarks=true&timeoutSeconds=300",
  );
});

test("an expired watch throws, by code or by event", async () => {
  const gone = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
  const signal = new AbortController().signal;
  say(410, gone);
  await assert.rejects(client.watch(pods, { signal })[Symbol.asyncIterator]().next(), isExpired);
  answer = (_, response) => response.end(`${JSON.stringify({ type: "ERROR", object: gone })}\n`);
  await assert.rejects(client.watch(pods, { signal })[Symbol.asyncIterator]().next(), isExpired);
});

test("a watch ends normally at its abort, and its connection closes", async () => {
  const stop = new AbortController();
  const closed = new Promise<void>((resolve) => {
    answer = (_, response) => {
      response.on("close", resolve);
      response.write(`${JSON.stringify({ type: "ADDED", object: { metadata: { name: "a" } } })}\n`);
    };
  });
  let n = 0;
  for await (const _ of client.watch(pods, { signal: stop.signal })) {
    n++;
    setTimeout(() => stop.abort(), 5);
  }
  assert.equal(n, 1);
  await closed;
});

test("a watch that is cut off throws", async () => {
  answer = (_, response) => {
    response.write(`${JSON.stringify({ type: "ADDED", object: { metadata: { name: "a" } } })}\n`);
    setTimeout(() => response.destroy(), 10);
  };
  await assert.rejects(async () => {
    for await (const _ of client.watch(pods, { signal: new AbortController().signal }));
  });
});
