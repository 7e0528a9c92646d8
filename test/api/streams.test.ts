import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { type AddressInfo, connect as connectTcp, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, PassThrough, Readable, Writable } from "node:stream";
import { after, before, test } from "node:test";
import type { KubeConfig, V1Status } from "@kubernetes/client-node";
import WebSocket, { createWebSocketStream } from "ws";
import { createKubeletServer, type PodRuntimePort } from "../../src/agents/kubelet/server/mod.ts";
import { createConnectHandlers } from "../../src/control/apiserver/connect/mod.ts";
import { createSpdyConnection } from "../../src/control/apiserver/connect/spdy-connection.ts";
import type { KubeObject, Node, Pod } from "../../src/core/api/types.ts";
import { createUpgrades, type Listener, listenTls } from "../../src/edge/http/mod.ts";
import { standingClient, startConnectServer } from "../support/connect-server.ts";
import { type FakeRuntime, startFakeRuntime } from "../support/fake-runtime.ts";
import { k8s } from "../support/official-client.ts";
import { createTestPki } from "../support/pki.ts";

const dir = mkdtempSync(join(tmpdir(), "portolan-connect-"));
const pod = {
  metadata: { name: "web", namespace: "ns", uid: "u1" },
  spec: { nodeName: "n1", containers: [{ name: "a" }, { name: "b" }] },
  status: {
    phase: "Running",
    containerStatuses: [
      { name: "a", containerID: "containerd://ca", state: { running: {} } },
      { name: "b", state: { waiting: { reason: "ContainerCreating" } } },
    ],
  },
} as unknown as Pod;
const unscheduled = {
  metadata: { name: "new", namespace: "ns" },
  spec: { containers: [{ name: "a" }] },
} as unknown as Pod;

let runtime: FakeRuntime;
let kubelet: Listener;
let origin: { host: string; port: number };
let ca: string;
let config: KubeConfig;
let stop: () => void;

before(async () => {
  runtime = await startFakeRuntime();
  const pki = await createTestPki();
  ca = pki.ca;
  const serving = await pki.serving("127.0.0.1");
  const url = (
    what: string,
    r: { stdin?: boolean; stdout?: boolean; stderr?: boolean; tty?: boolean; command?: string[] },
  ) => {
    const streams = 1 + [r.stdin, r.stdout, r.stderr, r.tty].filter(Boolean).length;
    const query = new URLSearchParams({ streams: String(streams) });
    for (const word of r.command ?? []) query.append("command", word);
    return Promise.resolve(`http://127.0.0.1:${runtime.port}/${what}?${query}`);
  };
  const port: PodRuntimePort = {
    pods: () => [pod],
    pod: (_, name) => (name === "web" ? pod : undefined),
    runningContainer: async (_, name) => (name === "a" ? "ca" : undefined),
    sandbox: async () => "s1",
    containerLog: async () => ({ path: join(dir, "0.log"), running: false }),
    exec: (r) => url("exec", r),
    attach: (r) => url("attach", { ...r, command: ["cat"] }),
    portForward: () => url("portforward", {}),
  };
  kubelet = await listenTls({
    host: "127.0.0.1",
    port: 0,
    ca,
    ...serving,
    handlers: createKubeletServer({
      runtime: port,
      upgrades: createUpgrades(),
      logFolder: dir,
      metrics: () => "",
      now: Date.now,
    }),
  });
  const node = {
    metadata: { name: "n1" },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    },
  } as unknown as Node;
  const objects = new Map<string, KubeObject>([
    ["pods/web", pod],
    ["pods/new", unscheduled],
    ["nodes/n1", node],
  ]);
  const handlers = createConnectHandlers({
    kubelet: { ca, ...(await pki.client("kube-apiserver-kubelet-client", "system:masters")) },
    upgrades: createUpgrades(),
  });
  const server = await startConnectServer(serving, handlers, standingClient(objects));
  origin = { host: "127.0.0.1", port: server.port };
  config = new k8s.KubeConfig();
  config.loadFromOptions({
    clusters: [
      { name: "c", server: `https://127.0.0.1:${origin.port}`, caData: Buffer.from(ca).toString("base64") },
    ],
    users: [{ name: "u" }],
    contexts: [{ name: "x", cluster: "c", user: "u" }],
    currentContext: "x",
  });
  stop = server.close;
});
after(async () => {
  stop();
  await kubelet.close();
  runtime.close();
  rmSync(dir, { recursive: true });
});

const base = "/api/v1/namespaces/ns/pods";
const wsUrl = (path: string) => `wss://127.0.0.1:${origin.port}${path}`;

interface Ran {
  stdout: Buffer;
  stderr: string;
  error: string;
  protocol: string;
  messages: number;
}
/** Runs a command over a WebSocket; `input` is sent and, with v5, closed. */
async function exec(query: string, protocol: string, input?: Buffer, subresource = "exec"): Promise<Ran> {
  const ws = new WebSocket(
    wsUrl(`${base}/web/${subresource}?container=a&${query}`),
    protocol === "" ? [] : [protocol],
    { ca },
  );
  const out: Buffer[] = [];
  const ran: Ran = { stdout: Buffer.alloc(0), stderr: "", error: "", protocol: "", messages: 0 };
  const base64 = protocol.includes("base64");
  ws.on("message", (data: Buffer) => {
    ran.messages++;
    const id = base64 ? data[0]! - 0x30 : data[0]!;
    const bytes = base64 ? Buffer.from(data.toString("latin1", 1), "base64") : data.subarray(1);
    if (id === 1) out.push(bytes);
    else if (id === 2) ran.stderr += bytes;
    else if (id === 3) ran.error += bytes;
  });
  await once(ws, "open");
  ran.protocol = ws.protocol;
  if (input) {
    for (let at = 0; at < input.length; at += 60_000) {
      const piece = input.subarray(at, at + 60_000);
      ws.send(base64 ? `0${piece.toString("base64")}` : Buffer.concat([Buffer.of(0), piece]));
    }
    if (protocol.startsWith("v5")) ws.send(Buffer.of(255, 0));
  }
  await once(ws, "close");
  ran.stdout = Buffer.concat(out);
  return ran;
}

for (const protocol of ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"])
  test(`exec over ${protocol}: output and exit code`, async () => {
    const ran = await exec("command=exit&command=3&stdout=true&stderr=true", protocol);
    assert.equal(ran.protocol, protocol);
    const status = JSON.parse(ran.error);
    assert.equal(status.reason, "NonZeroExitCode");
    assert.deepEqual(status.details.causes, [{ reason: "ExitCode", message: "3" }]);
  });

for (const protocol of ["channel.k8s.io", "base64.channel.k8s.io", ""])
  test(`exec over "${protocol}": success says nothing on the error channel, failure its text`, async () => {
    const good = await exec("command=fill&command=10&stdout=true&stderr=true", protocol);
    assert.deepEqual([good.stdout.toString(), good.error, good.protocol], ["x".repeat(10), "", protocol]);
    const bad = await exec("command=exit&command=3&stdout=true", protocol);
    assert.equal(bad.error, "command terminated with non-zero exit code: exit status 3");
  });

test("v5 closes stdin by itself, and 20 MB come back as they went", async () => {
  const input = Buffer.alloc(20_000_000, "0123456789");
  const ran = await exec("command=cat&stdin=true&stdout=true", "v5.channel.k8s.io", input);
  assert.ok(ran.stdout.equals(input), `${ran.stdout.length} bytes`);
  assert.equal(JSON.parse(ran.error).status, "Success");
});

test("attach", async () => {
  const ran = await exec(
    "stdin=true&stdout=true&stderr=true",
    "v5.channel.k8s.io",
    Buffer.from("hello"),
    "attach",
  );
  assert.equal(ran.stdout.toString(), "hello");
  assert.deepEqual(runtime.opened.at(-1), ["error", "stdin", "stdout", "stderr"]);
});

test("stderr has its own channel; a terminal has none", async () => {
  const ran = await exec("command=stderr&command=oops&stdout=true&stderr=true", "v5.channel.k8s.io");
  assert.equal(ran.stderr, "oops");
  await exec("command=exit&command=0&stdout=true&stderr=true&tty=true", "v5.channel.k8s.io");
  assert.deepEqual(runtime.opened.at(-1), ["error", "resize", "stdout"]);
});

test("a resize reaches the command", async () => {
  const ws = new WebSocket(
    wsUrl(`${base}/web/exec?container=a&command=size&stdout=1&tty=1`),
    ["v5.channel.k8s.io"],
    { ca },
  );
  let out = "";
  ws.on("message", (d: Buffer) => {
    if (d[0] === 1) out += d.subarray(1);
  });
  await once(ws, "open");
  ws.send(Buffer.concat([Buffer.of(4), Buffer.from('{"Width":80,"Height":24}')]));
  await once(ws, "close");
  assert.equal(out, '{"Width":80,"Height":24}');
});

test("a slow reader holds the command back instead of filling memory", async () => {
  const ws = new WebSocket(
    wsUrl(`${base}/web/exec?container=a&command=fill&command=60000000&stdout=1`),
    ["v5.channel.k8s.io"],
    { ca },
  );
  let size = 0;
  ws.on("message", (d: Buffer) => {
    if (d[0] === 1) size += d.length - 1;
  });
  await once(ws, "open");
  ws.pause();
  const before = process.memoryUsage.rss();
  await new Promise((r) => setTimeout(r, 600));
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < 40_000_000, `${grown} bytes more`);
  ws.resume();
  await once(ws, "close");
  assert.equal(size, 60_000_000);
});

test("v5 tells failures on the error channel", async () => {
  const ws = new WebSocket(wsUrl(`${base}/web/exec?container=b&command=x&stdout=1`), ["v5.channel.k8s.io"], {
    ca,
  });
  const [message] = (await once(ws, "message")) as [Buffer];
  assert.equal(message[0], 3);
  const status = JSON.parse(message.toString("utf8", 1));
  assert.equal(status.code, 500);
  assert.equal(
    status.message,
    'Internal error occurred: unable to upgrade connection: container not found ("b")',
  );
  await once(ws, "close");
});

test("a connection that breaks is a failure, not a success", async () => {
  const ran = await exec("command=break&stdout=true", "v5.channel.k8s.io");
  assert.match(JSON.parse(ran.error).message, /error reading from error stream/);
});

const refusals: { name: string; path: string; protocol: string; code: number; text: string | RegExp }[] = [
  {
    name: "v4 in a container that does not run",
    path: "web/exec?container=b&command=x&stdout=1",
    protocol: "v4.channel.k8s.io",
    code: 500,
    text: 'container not found ("b")',
  },
  {
    name: "unknown subprotocol",
    path: "web/exec?container=a&stdout=1",
    protocol: "v9",
    code: 403,
    text: /not supported/,
  },
  {
    name: "missing pod",
    path: "nix/exec?stdout=1",
    protocol: "v5.channel.k8s.io",
    code: 404,
    text: /pods \\"nix\\" not found/,
  },
  {
    name: "no container named",
    path: "web/exec?command=x&stdout=1",
    protocol: "v5.channel.k8s.io",
    code: 400,
    text: /a container name must be specified for pod web, choose one of: \[a b\]/,
  },
  {
    name: "wrong container",
    path: "web/attach?container=z&stdout=1",
    protocol: "v5.channel.k8s.io",
    code: 400,
    text: /container z is not valid for pod web/,
  },
  {
    name: "no node yet",
    path: "new/portforward?ports=80",
    protocol: "v4.channel.k8s.io",
    code: 400,
    text: /pod new does not have a host assigned/,
  },
];
for (const { name, path, protocol, code, text } of refusals)
  test(`refused at the handshake: ${name}`, async () => {
    const ws = new WebSocket(wsUrl(`${base}/${path}`), [protocol], { ca });
    const got = await new Promise<{ code: number; text: string }>((resolve) => {
      ws.on("error", () => {});
      ws.on("unexpected-response", (_, response) => {
        let body = "";
        response.on("data", (d) => {
          body += d;
        });
        response.on("end", () => resolve({ code: response.statusCode!, text: body }));
      });
    });
    assert.equal(got.code, code);
    if (typeof text === "string") assert.equal(got.text, text);
    else assert.match(got.text, text);
  });

test("a client that leaves takes its streams with it", async () => {
  const ws = new WebSocket(
    wsUrl(`${base}/web/exec?container=a&command=cat&stdin=1&stdout=1`),
    ["v5.channel.k8s.io"],
    { ca },
  );
  await once(ws, "message");
  assert.ok(runtime.connections > 0);
  ws.terminate();
  for (let i = 0; i < 100 && runtime.connections > 0; i++) await new Promise((r) => setTimeout(r, 20));
  assert.equal(runtime.connections, 0);
});

test("a SPDY client is tunnelled to the runtime", async () => {
  const answer = await createUpgrades().open(
    {
      url: `https://127.0.0.1:${origin.port}${base}/web/exec?container=a&command=cat&stdin=true&stdout=true`,
      tls: { ca, cert: "", key: "" },
    },
    { upgrade: "SPDY/3.1", "x-stream-protocol-version": ["v5.channel.k8s.io", "v4.channel.k8s.io"] },
  );
  assert.equal(answer.kind, "open");
  if (answer.kind !== "open") return;
  assert.equal(answer.headers["x-stream-protocol-version"], "v4.channel.k8s.io");
  const connection = createSpdyConnection(answer.socket, { role: "client", head: answer.head });
  const error = await connection.open({ streamType: "error" });
  const stdin = await connection.open({ streamType: "stdin" });
  const stdout = await connection.open({ streamType: "stdout" });
  const input = Buffer.alloc(5_000_000, "ab");
  stdin.end(input);
  const out: Buffer[] = [];
  for await (const chunk of stdout) out.push(chunk as Buffer);
  assert.ok(Buffer.concat(out).equals(input));
  let status = "";
  for await (const chunk of error) status += chunk;
  assert.equal(JSON.parse(status).status, "Success");
  connection.destroy();
});

test("port-forward through a WebSocket carries SPDY, many connections at once", async () => {
  // The subprotocol's name has a slash, which the library takes from nobody: the handshake is made by hand.
  const answer = await new Promise<{ protocol: unknown; socket: Duplex; head: Buffer }>((resolve, reject) => {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
      "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io",
    };
    const req = request({ ...origin, ca, headers, path: `${base}/web/portforward`, agent: false });
    req.on("upgrade", (res, socket, head) =>
      resolve({ protocol: res.headers["sec-websocket-protocol"], socket, head }),
    );
    req.on("response", (res) => reject(new Error(`refused with ${res.statusCode}`)));
    req.on("error", reject);
    req.end();
  });
  assert.equal(answer.protocol, "SPDY/3.1+portforward.k8s.io");
  const ws = new WebSocket(null as never, undefined, {});
  const internal = ws as unknown as {
    _isServer: boolean;
    setSocket(s: Duplex, head: Buffer, o: object): void;
  };
  internal._isServer = false;
  internal.setSocket(answer.socket, answer.head, { maxPayload: 0, skipUTF8Validation: true });
  const connection = createSpdyConnection(createWebSocketStream(ws), { role: "client" });
  const input = Buffer.alloc(300_000, "z");
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const named = { port: String(8000 + i), requestID: String(i) };
      await connection.open({ streamType: "error", ...named });
      const data = await connection.open({ streamType: "data", ...named });
      data.end(input);
      const out: Buffer[] = [];
      for await (const chunk of data) out.push(chunk as Buffer);
      assert.equal(Buffer.concat(out).toString(), `${8000 + i}:${input}`);
    }),
  );
  ws.close();
  await once(ws, "close");
});

test("the official client executes and reads exit codes", async () => {
  const run = (command: string[], input?: Readable): Promise<{ out: string; status: V1Status }> =>
    new Promise((resolve, reject) => {
      let out = "";
      const stdout = new Writable({
        write(chunk, _, done) {
          out += chunk;
          done();
        },
      });
      const exec = new k8s.Exec(config);
      exec
        .exec("ns", "web", "a", command, stdout, new PassThrough(), input ?? null, false, (status) =>
          resolve({ out, status }),
        )
        .catch(reject);
    });
  assert.deepEqual((await run(["fill", "5"])).out, "xxxxx");
  const { status } = await run(["exit", "7"]);
  assert.equal(status.details?.causes?.[0]?.message, "7");
  const echoed = await run(["cat"], Readable.from(["hello"]));
  assert.equal(echoed.out, "hello");
});

test("logs: plain, over a WebSocket, and refused", async () => {
  writeFileSync(join(dir, "0.log"), "2026-01-02T03:04:05Z stdout F one\n2026-01-02T03:04:06Z stdout F two\n");
  const get = (path: string, method = "GET"): Promise<{ code: number; text: string }> =>
    new Promise((resolve, reject) => {
      const req = request({ ...origin, ca, method, path: `${base}/${path}`, agent: false }, (res) => {
        let text = "";
        res.on("data", (d) => {
          text += d;
        });
        res.on("end", () => resolve({ code: res.statusCode!, text }));
      });
      req.on("error", reject);
      req.end();
    });
  assert.deepEqual(await get("web/log?container=a&tailLines=1"), { code: 200, text: "two\n" });
  assert.deepEqual(await get("new/log"), { code: 204, text: "" });
  const waiting = await get("web/log?container=b");
  assert.equal(waiting.code, 400);
  assert.equal(
    JSON.parse(waiting.text).message,
    'container "b" in pod "web" is waiting to start: ContainerCreating',
  );
  const invalid = JSON.parse((await get("web/log?container=a&tailLines=-1")).text);
  assert.equal(
    invalid.message,
    'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  );
  assert.equal((await get("web/log?container=a&tailLines=x")).code, 400);
  assert.equal((await get("web/log?container=a", "POST")).code, 405);
  assert.equal((await get("web/exec?container=a&stdout=1", "DELETE")).code, 405);
  assert.equal((await get("web/log?container=a&previous=true")).code, 400);
  const ws = new WebSocket(wsUrl(`${base}/web/log?container=a`), ["binary.k8s.io"], { ca });
  let text = "";
  ws.on("message", (d) => {
    text += d;
  });
  await once(ws, "close");
  assert.equal(text, "one\ntwo\n");
});

test("a kubelet that cannot be reached is named", async () => {
  // A port that was just free, and now is again.
  const probe = createTcp().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  const free = await new Promise<boolean>((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.on("error", () => resolve(true));
    socket.on("connect", () => resolve(false));
  });
  assert.ok(free);
  await assert.rejects(
    createUpgrades().open({ url: `http://127.0.0.1:${port}/exec` }, { upgrade: "SPDY/3.1" }),
    /ECONNREFUSED/,
  );
});
