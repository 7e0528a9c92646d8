// pods/proxy, services/proxy and nodes/proxy against real HTTP servers, on an address that may be proxied to.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type RequestOptions, request } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import WebSocket, { WebSocketServer } from "ws";
import { createConnectHandlers } from "../../src/control/apiserver/connect/mod.ts";
import { createUpgrades, type Listener, listenTls } from "../../src/edge/http/mod.ts";
import { standingClient, startConnectServer } from "../support/connect-server.ts";
import { createTestPki } from "../support/pki.ts";

const address = "10.199.7.1";
let ca: string;
let port: number;
let backend: Server;
let kubelet: Listener;
let secure: Server;
let stop: () => void;
let aborted = 0;
let uploaded = 0;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url!.split("?")[0];
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("set-cookie", ["a=1", "b=2"]);
  switch (path) {
    case "/echo": {
      let body = "";
      for await (const chunk of request) body += chunk;
      response.writeHead(201, { "content-type": "application/json", "x-own": "yes" });
      response.end(
        JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }),
      );
      return;
    }
    case "/page":
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      response.end('<a href="/next">ü</a>');
      return;
    case "/zipped":
      response.writeHead(200, { "content-type": "text/html", "content-encoding": "gzip" });
      response.end(gzipSync('<a href="/next">x</a>'));
      return;
    case "/huge":
      response.writeHead(200, { "content-type": "text/html" });
      for (let i = 0; i < 100; i++) response.write('<a href="/next">'.padEnd(65_536, "x"));
      response.end();
      return;
    case "/moved":
      response.writeHead(302, { location: `http://${request.headers.host}/there` }).end();
      return;
    case "/slow":
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("first");
      response.on("close", () => aborted++);
      return;
    case "/upload":
      for await (const chunk of request) uploaded += (chunk as Buffer).length;
      response.end("ok");
      return;
    default:
      response.writeHead(404).end("nothing here");
  }
}

before(async () => {
  const added = spawnSync("ip", ["address", "replace", `${address}/32`, "dev", "lo"]);
  assert.equal(added.status, 0, String(added.stderr));
  backend = createServer((req, res) => void answer(req, res));
  const echo = new WebSocketServer({ noServer: true });
  backend.on("upgrade", (req, socket, head) =>
    echo.handleUpgrade(req, socket as import("node:net").Socket, head, (ws) => {
      ws.on("message", (data) => ws.send(`${req.url} ${data}`));
    }),
  );
  await new Promise<void>((resolve) => backend.listen(0, address, resolve));
  const target = (backend.address() as AddressInfo).port;
  const pki = await createTestPki();
  ca = pki.ca;
  const serving = await pki.serving("127.0.0.1");
  secure = createTlsServer(await pki.serving("somewhere.else"), (req, res) => res.end(`secure ${req.url}`));
  await new Promise<void>((resolve) => secure.listen(0, address, resolve));
  const securePort = (secure.address() as AddressInfo).port;
  kubelet = await listenTls({
    host: "127.0.0.1",
    port: 0,
    ca,
    ...serving,
    handlers: {
      onRequest: (req, res) =>
        res.end(`node ${req.url} ${(req.socket as import("node:tls").TLSSocket).authorized}`),
      onUpgrade: (_, socket) => socket.destroy(),
    },
  });
  const pod = (ip: string, ...ports: number[]) => ({
    spec: {
      containers: [{ name: "a" }, { name: "b", ports: ports.map((containerPort) => ({ containerPort })) }],
    },
    status: { podIPs: [{ ip }] },
  });
  const slice = (service: string, name: string | undefined, endpoint: object) => ({
    metadata: { labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ ...(name ? { name } : {}), port: target }],
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name: "web" },
        ...endpoint,
      },
    ],
  });
  const objects = new Map<string, object>([
    ["pods/web", pod(address, target)],
    ["pods/inward", pod("127.0.0.1", target)],
    ["pods/dead", pod(address, 1)],
    ["services/web", { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } }],
    [
      "nodes/n1",
      {
        status: {
          addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
          daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
        },
      },
    ],
    ["services/safe", { metadata: { name: "safe" }, spec: { ports: [{ name: "tls", port: 443 }] } }],
    ["endpointslices/safe", { ...slice("web", undefined, {}), ports: [{ name: "tls", port: securePort }] }],
    ["endpointslices/web", slice("web", undefined, {})],
  ]);
  const handlers = createConnectHandlers({
    kubelet: { ca, ...(await pki.client("kube-apiserver-kubelet-client", "system:masters")) },
    upgrades: createUpgrades(),
  });
  const server = await startConnectServer(serving, handlers, standingClient(objects));
  port = server.port;
  stop = server.close;
});
after(async () => {
  stop();
  await kubelet.close();
  for (const server of [backend, secure]) {
    server.closeAllConnections();
    server.close();
  }
});

interface Got {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}
const ns = "/api/v1/namespaces/ns";
function get(path: string, options: RequestOptions & { body?: string | Buffer } = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    const req = request({ host: "127.0.0.1", port, ca, path, agent: false, ...rest }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (d) => chunks.push(d));
      res.on("end", () =>
        resolve({ code: res.statusCode!, headers: res.headers, body: Buffer.concat(chunks) }),
      );
      res.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}
const message = (got: Got): string => JSON.parse(got.body.toString()).message;

for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
  for (const kind of ["pods", "services"])
    test(`${method} through ${kind}/proxy`, async () => {
      const prefix = `${ns}/${kind}/web/proxy`;
      const got = await get(`${prefix}/echo?x=%20y`, {
        method,
        ...(method === "GET" ? {} : { body: "hello" }),
        headers: {
          authorization: "Bearer secret",
          "x-mine": "1",
          connection: "close, x-hop",
          "x-hop": "1",
          ...(method === "GET"
            ? {}
            : kind === "pods"
              ? { "content-length": 5 }
              : { "transfer-encoding": "chunked" }),
        },
      });
      assert.equal(got.code, 201);
      assert.equal(got.headers["x-own"], "yes");
      assert.equal(got.headers["access-control-allow-origin"], undefined);
      assert.deepEqual(got.headers["set-cookie"], ["a=1", "b=2"]);
      const seen = JSON.parse(got.body.toString());
      assert.deepEqual(
        [seen.method, seen.url, seen.body],
        [method, "/echo?x=%20y", method === "GET" ? "" : "hello"],
      );
      assert.equal(seen.headers["x-mine"], "1");
      assert.equal(seen.headers.authorization, undefined);
      assert.equal(seen.headers["x-hop"], undefined);
      assert.equal(seen.headers["x-forwarded-uri"], `${prefix}/echo`);
      assert.equal(seen.headers["x-forwarded-for"], "127.0.0.1");
    });

test("HEAD has headers and no body", async () => {
  const got = await get(`${ns}/pods/web/proxy/page`, { method: "HEAD" });
  assert.deepEqual([got.code, got.body.length], [200, 0]);
});

for (const method of ["GET", "HEAD"])
  test(`${method} of the bare proxy path is sent to the one with a slash`, async () => {
    const got = await get(`${ns}/services/web/proxy?a=b`, { method });
    assert.deepEqual([got.code, got.headers.location], [301, `${ns}/services/web/proxy/?a=b`]);
  });

test("POST of the bare proxy path reaches the root", async () => {
  assert.equal((await get(`${ns}/pods/web/proxy`, { method: "POST" })).body.toString(), "nothing here");
});

test("pages have their links rewritten, zipped ones too", async () => {
  const prefix = `${ns}/pods/web/proxy`;
  const page = await get(`${prefix}/page`);
  assert.equal(page.body.toString(), `<a href="${prefix}/next">ü</a>`);
  assert.equal(Number(page.headers["content-length"]), page.body.length);
  const zipped = await get(`${prefix}/zipped`);
  assert.equal(gunzipSync(zipped.body).toString(), `<a href="${prefix}/next">x</a>`);
});

test("a page too large to rewrite passes whole", async () => {
  const got = await get(`${ns}/pods/web/proxy/huge`);
  assert.equal(got.body.length, 100 * 65_536);
});

test("redirects stay inside the proxy", async () => {
  const got = await get(`${ns}/pods/web/proxy/moved`);
  assert.equal(
    got.headers.location,
    `https://127.0.0.1:${port}${ns}/pods/web/proxy/there`.replace("https:", "http:"),
  );
});

test("a stream arrives as it is sent, and ends with its reader", async () => {
  const req = request({ host: "127.0.0.1", port, ca, path: `${ns}/pods/web/proxy/slow`, agent: false });
  req.on("error", () => {});
  req.end();
  const [res] = (await once(req, "response")) as [IncomingMessage];
  const [first] = (await once(res, "data")) as [Buffer];
  assert.equal(first.toString(), "first");
  req.destroy();
  for (let i = 0; i < 100 && aborted === 0; i++) await new Promise((r) => setTimeout(r, 10));
  assert.equal(aborted, 1);
});

test("uploads stream through", async () => {
  const got = await get(`${ns}/services/web/proxy/upload`, { method: "PUT", body: Buffer.alloc(20_000_000) });
  assert.equal(got.body.toString(), "ok");
  assert.equal(uploaded, 20_000_000);
});

test("WebSockets pass", async () => {
  const ws = new WebSocket(`wss://127.0.0.1:${port}${ns}/services/web/proxy/chat?x=1`, { ca });
  await once(ws, "open");
  ws.send("hello");
  const [said] = await once(ws, "message");
  assert.equal(String(said), "/chat?x=1 hello");
  ws.terminate();
});

test("https to a service whose certificate nobody could verify", async () => {
  for (const id of ["https:safe:tls", "https:safe:443"])
    assert.equal((await get(`${ns}/services/${id}/proxy/a`)).body.toString(), "secure /a");
});

test("nodes are asked with the API server's certificate", async () => {
  assert.equal((await get("/api/v1/nodes/n1/proxy/healthz?a=1")).body.toString(), "node /healthz?a=1 true");
  assert.equal((await get(`/api/v1/nodes/n1:${kubelet.port}/proxy/x`)).body.toString(), "node /x true");
});

const refusals: { path: string; code: number; text: string | RegExp; headers?: Record<string, string> }[] = [
  { path: `${ns}/pods/nix/proxy/`, code: 404, text: 'pods "nix" not found' },
  { path: `${ns}/pods/ftp:web:1/proxy/`, code: 400, text: 'invalid pod request "ftp:web:1"' },
  { path: `${ns}/pods/inward/proxy/`, code: 400, text: "address not allowed" },
  {
    path: `${ns}/pods/dead/proxy/`,
    code: 503,
    text: `error trying to reach service: dial tcp ${address}:1: connect: connection refused`,
  },
  { path: `${ns}/services/nix/proxy/`, code: 404, text: 'services "nix" not found' },
  { path: `${ns}/services/a:b:c:d/proxy/`, code: 400, text: 'invalid service request "a:b:c:d"' },
  { path: `${ns}/services/web:81/proxy/`, code: 503, text: 'no service port 81 found for service "web"' },
  {
    path: `${ns}/services/web:http/proxy/`,
    code: 503,
    text: 'no endpoints available for service "web:http"',
  },
  { path: "/api/v1/nodes/nix/proxy/", code: 404, text: 'nodes "nix" not found' },
  { path: "/api/v1/nodes/n1:99/proxy/", code: 400, text: "address not allowed" },
  {
    path: `${ns}/pods/web/proxy/echo`,
    code: 508,
    text: /circles/,
    headers: { "x-forwarded-for": Array(12).fill("10.0.0.1").join(", ") },
  },
];
for (const { path, code, text, headers } of refusals)
  test(`refused: ${path}`, async () => {
    const got = await get(path, headers ? { headers } : {});
    assert.equal(got.code, code);
    if (typeof text === "string") assert.equal(message(got), text);
    else assert.match(message(got), text);
  });
