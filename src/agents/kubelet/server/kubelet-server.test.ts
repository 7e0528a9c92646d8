import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { after, before, test } from "node:test";
import { createTestPki } from "../../../../test/support/pki.ts";
import type { Pod } from "../../../core/api/types.ts";
import { createUpgrades, type Listener, listenTls } from "../../../edge/http/mod.ts";
import { createKubeletServer, type PodRuntimePort } from "./mod.ts";

const dir = mkdtempSync(join(tmpdir(), "portolan-logs-"));
const path = join(dir, "0.log");
const line = (text: string, second = 1) => `2026-01-02T03:04:0${second}Z stdout F ${text}\n`;

let running = true;
let asked: unknown[] = [];
let containerd: Server;
let listener: Listener;
let tls: { ca: string; cert: string; key: string };
let stranger: { cert: string; key: string };

const container = (name: string) => ({ name, image: "i" });
const pod = {
  metadata: { name: "web", namespace: "ns", uid: "u1" },
  spec: { containers: [container("a"), container("b"), container("c"), container("d")] },
  status: {
    phase: "Running",
    containerStatuses: [
      { name: "a", containerID: "containerd://ca", state: { running: {} } },
      { name: "b", state: { waiting: { reason: "ContainerCreating" } } },
      { name: "c", state: { waiting: { reason: "ImagePullBackOff" } } },
      {
        name: "d",
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: { terminated: { containerID: "containerd://cd", exitCode: 1 } },
      },
    ],
  },
} as unknown as Pod;

function streamingUrl(what: string) {
  return async (r: unknown) => {
    asked.push(r);
    return `http://127.0.0.1:${(containerd.address() as AddressInfo).port}/${what}/token`;
  };
}
const runtime: PodRuntimePort = {
  pods: () => [pod],
  pod: (namespace, name) => (namespace === "ns" && name === "web" ? pod : undefined),
  runningContainer: async (uid, name) => (uid === "u1" && name === "a" ? "ca" : undefined),
  sandbox: async () => "s1",
  containerLog: async (id) =>
    id === "ca"
      ? { path, running }
      : id === "cd"
        ? { path: join(dir, "gone.log"), running: false }
        : undefined,
  exec: streamingUrl("exec"),
  attach: streamingUrl("attach"),
  portForward: streamingUrl("portforward"),
};

const logFolder = join(dir, "node-logs");

before(async () => {
  mkdirSync(join(logFolder, "sub"), { recursive: true });
  writeFileSync(join(logFolder, 'a&".log'), "");
  writeFileSync(join(logFolder, "sub/b.log"), "b\n");
  symlinkSync("/etc/hostname", join(logFolder, "out"));
  const pki = await createTestPki();
  tls = { ca: pki.ca, ...(await pki.client("kube-apiserver-kubelet-client", "x")) };
  stranger = await pki.client("system:node:other", "system:nodes");
  // Stands for containerd's streaming server: says what it was asked, then sends every byte back.
  containerd = createServer((_, response) => response.writeHead(403).end("no such token"));
  containerd.on("upgrade", (req, socket: Duplex, head: Buffer) => {
    socket.on("error", () => {});
    if (req.url?.startsWith("/attach")) {
      socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nno token!");
      return;
    }
    const protocols = JSON.stringify(req.headersDistinct["x-stream-protocol-version"]);
    socket.write(
      `HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Seen: ${protocols}\r\n\r\nearly`,
    );
    socket.write(head);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => containerd.listen(0, "127.0.0.1", resolve));
  listener = await listenTls({
    host: "127.0.0.1",
    port: 0,
    ca: pki.ca,
    ...(await pki.serving("127.0.0.1")),
    handlers: createKubeletServer({
      runtime,
      upgrades: createUpgrades(),
      logFolder,
      now: Date.now,
      metrics: () => 'kubelet_node_name{node="n"} 1\n',
    }),
  });
});
after(async () => {
  await listener.close();
  containerd.closeAllConnections();
  containerd.close();
  rmSync(dir, { recursive: true });
});

function get(
  url: string,
  options: { method?: string; cert?: string; key?: string; onData?: (text: string) => void } = {},
): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { onData, ...rest } = options;
    const req = request(
      { ...tls, host: "127.0.0.1", port: listener.port, path: url, agent: false, ...rest },
      (res) => {
        let text = "";
        res.on("data", (d) => {
          text += d;
          onData?.(text);
        });
        res.on("end", () => resolve({ code: res.statusCode!, text }));
        res.on("error", reject);
      },
    );
    req.on("error", reject);
    req.end();
  });
}

const answers: { name: string; url: string; code: number; text: string | RegExp; method?: string }[] = [
  { name: "health", url: "/healthz", code: 200, text: "ok" },
  {
    name: "log folder",
    url: "/logs/",
    code: 200,
    text: /<a href="a%26%22.log">a&amp;&#34;.log<\/a>\n<a href="out">out<\/a>\n<a href="sub\/">sub\/<\/a>/,
  },
  { name: "log folder without its slash", url: "/logs", code: 301, text: "" },
  { name: "log file", url: "/logs/sub/b.log", code: 200, text: "b\n" },
  { name: "log file that is none", url: "/logs/sub/c.log", code: 404, text: "404 page not found" },
  {
    name: "out of the log folder",
    url: "/logs/..%2f..%2fetc%2fpasswd",
    code: 404,
    text: "404 page not found",
  },
  { name: "out of the log folder by a link", url: "/logs/out", code: 404, text: "404 page not found" },
  { name: "pods", url: "/pods", code: 200, text: /"kind":"PodList".*"name":"web"/ },
  { name: "unknown path", url: "/nothing", code: 404, text: "404 page not found" },
  { name: "write to a read endpoint", url: "/pods", method: "POST", code: 405, text: "Method Not Allowed" },
  { name: "logs", url: "/containerLogs/ns/web/a", code: 200, text: "one\ntwo\nthree\n" },
  { name: "logs, tail", url: "/containerLogs/ns/web/a?tailLines=1", code: 200, text: "three\n" },
  { name: "logs of no lines", url: "/containerLogs/ns/web/a?tailLines=0", code: 200, text: "" },
  {
    name: "logs of a missing pod",
    url: "/containerLogs/ns/nix/a",
    code: 404,
    text: 'pod "nix" does not exist',
  },
  {
    name: "logs of a missing container",
    url: "/containerLogs/ns/web/z",
    code: 404,
    text: 'container "z" not found in pod "web"',
  },
  {
    name: "logs of a container that starts",
    url: "/containerLogs/ns/web/b",
    code: 400,
    text: 'container "b" in pod "web" is waiting to start: ContainerCreating',
  },
  {
    name: "logs of a container whose image is not there",
    url: "/containerLogs/ns/web/c",
    code: 400,
    text: 'container "c" in pod "web" is waiting to start: trying and failing to pull image',
  },
  {
    name: "previous logs where there are none",
    url: "/containerLogs/ns/web/a?previous=true",
    code: 400,
    text: 'previous terminated container "a" in pod "web" not found',
  },
  { name: "logs whose file is gone", url: "/containerLogs/ns/web/d", code: 500, text: /ENOENT/ },
  {
    name: "logs, unreadable query",
    url: "/containerLogs/ns/web/a?tailLines=x",
    code: 400,
    text: '{"message": "Unable to decode query."}',
  },
  {
    name: "exec without upgrade",
    url: "/exec/ns/web/a?stdout=1",
    code: 400,
    text: "Upgrade request required",
  },
  { name: "exec without streams", url: "/exec/ns/web/a", code: 400, text: /at least 1 of stdin/ },
  { name: "exec in a missing pod", url: "/exec/ns/nix/a?stdout=1", code: 404, text: "pod does not exist" },
  {
    name: "exec in a container that does not run",
    url: "/exec/ns/web/b?stdout=1",
    code: 500,
    text: 'container not found ("b")',
  },
];
for (const { name, url, code, text, method } of answers)
  test(name, async () => {
    writeFileSync(path, line("one", 1) + line("two", 2) + line("three", 3));
    const got = await get(url, method ? { method } : {});
    assert.equal(got.code, code);
    if (typeof text === "string") assert.equal(got.text, text);
    else assert.match(got.text, text);
  });

test("a client that is not the API server is refused", async () => {
  assert.equal((await get("/pods", stranger)).code, 403);
  assert.equal((await get("/pods", { cert: undefined as never, key: undefined as never })).code, 401);
});

test("following goes on through a rotation and ends with the container", async () => {
  running = true;
  writeFileSync(path, line("one") + line("two"));
  const steps: (() => void)[] = [
    () => appendFileSync(path, `${line("three")}2026-01-02T03:04:05Z stdout F fo`),
    () => appendFileSync(path, "ur\n"),
    () => {
      appendFileSync(path, line("five"));
      renameSync(path, join(dir, "0.log.old"));
      writeFileSync(path, line("six"));
    },
    () => appendFileSync(path, line("seven")),
    () => {
      appendFileSync(path, line("eight"));
      running = false;
    },
  ];
  const marks = ["two\n", "three\n", "four\n", "six\n", "seven\n"];
  const got = await get("/containerLogs/ns/web/a?follow=true&tailLines=1", {
    onData(text) {
      while (marks.length > 0 && text.endsWith(marks[0]!)) {
        marks.shift();
        const step = steps.shift()!;
        setTimeout(step, 20);
      }
    },
  });
  assert.equal(got.text, "two\nthree\nfour\nfive\nsix\nseven\neight\n");
});

interface Upgraded {
  code: number;
  headers: Record<string, unknown>;
  socket?: Duplex;
  head: string;
}
function upgrade(url: string): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: "Upgrade",
      upgrade: "SPDY/3.1",
      "x-stream-protocol-version": ["v4.channel.k8s.io", "v3.channel.k8s.io"],
    };
    const req = request({
      ...tls,
      host: "127.0.0.1",
      port: listener.port,
      path: url,
      method: "POST",
      headers,
      agent: false,
    });
    req.on("upgrade", (res, socket, head) =>
      resolve({ code: 101, headers: res.headers, socket, head: head.toString() }),
    );
    req.on("response", (res) => {
      let head = "";
      res.on("data", (d) => {
        head += d;
      });
      res.on("end", () => resolve({ code: res.statusCode!, headers: res.headers, head }));
    });
    req.on("error", reject);
    req.end();
  });
}

test("exec is a tunnel to the runtime's address", async () => {
  asked = [];
  const { code, headers, socket, head } = await upgrade(
    "/exec/ns/web/a?command=sh&command=-c&command=x%20y&stdin=1&stdout=1&stderr=1&tty=1",
  );
  assert.equal(code, 101);
  assert.equal(headers["x-seen"], '["v4.channel.k8s.io","v3.channel.k8s.io"]');
  assert.deepEqual(asked, [
    { containerId: "ca", command: ["sh", "-c", "x y"], stdin: true, stdout: true, stderr: false, tty: true },
  ]);
  const size = 5_000_000;
  let got = Buffer.byteLength(head);
  socket!.write(Buffer.alloc(size, 1));
  for await (const chunk of socket!) {
    got += (chunk as Buffer).length;
    if (got >= size + "early".length) break;
  }
  assert.equal(got, size + "early".length);
});

test("the runtime's refusal reaches the client", async () => {
  const { code, head } = await upgrade("/attach/ns/web/a?stdout=1");
  assert.deepEqual([code, head], [404, "no token!"]);
});

test("a refusal before the tunnel has its code and words", async () => {
  const { code, head } = await upgrade("/exec/ns/web/b?stdout=1");
  assert.deepEqual([code, head], [500, 'container not found ("b")']);
});

test("attach to a container that does not run has words of its own", async () => {
  const { code, head } = await upgrade("/attach/ns/web/b?stdout=1");
  assert.deepEqual([code, head], [500, "container b not found in pod web_ns"]);
});

test("port-forward names the sandbox and ports", async () => {
  asked = [];
  const { socket } = await upgrade("/portForward/ns/web?port=80&port=81,82");
  assert.deepEqual(asked, [{ sandboxId: "s1", ports: [80, 81, 82] }]);
  socket!.destroy();
  assert.equal((await upgrade("/portForward/ns/web?port=0")).code, 400);
});
