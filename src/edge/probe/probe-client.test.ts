import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { after, before, test } from "node:test";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { createProbeClient } from "./probe-client.ts";

const client = createProbeClient();
let server: Server;
let port = 0;
const call = (path: string, headers: [string, string][] = [], timeoutMs = 1000) =>
  client.http({ scheme: "http", host: "127.0.0.1", port, path, headers, timeoutMs });

before(async () => {
  server = createServer((req, res) => {
    if (req.url === "/slow") return;
    if (req.url === "/away") res.writeHead(302, { location: "http://example.invalid/" }).end();
    else if (req.url === "/round") res.writeHead(302, { location: "/here" }).end();
    else if (req.url === "/down") res.writeHead(503).end("no");
    else res.end(`${req.url} ${req.headers.host} ${req.headers["x-a"] ?? ""}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test("an answer is a status and a body; headers go along, Host among them", async () => {
  assert.deepEqual(
    await call("/x?y=1", [
      ["X-A", "b"],
      ["Host", "h"],
    ]),
    { status: 200, body: "/x?y=1 h b" },
  );
  assert.equal((await call("/down")).status, 503);
});

test("redirects are followed on the same host only", async () => {
  assert.match((await call("/round")).body, /^\/here /);
  assert.equal((await call("/away")).status, 302);
});

test("failures have Go's words", async () => {
  await assert.rejects(call("/slow", [], 100), {
    message: `Get "http://127.0.0.1:${port}/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
  });
  await assert.rejects(client.tcp("127.0.0.1", 1, 1000), {
    message: "dial tcp 127.0.0.1:1: connect: connection refused",
  });
  await client.tcp("127.0.0.1", port, 1000);
  assert.equal(await client.reachable("127.0.0.1", 1, 500), false);
  assert.equal(await client.reachable("127.0.0.1", port, 500), true);
});

const withIPv6 = Object.values(networkInterfaces()).some((l) => l?.some((a) => a.address === "::1"));
const needsIPv6 = { skip: withIPv6 ? false : "this machine has no ::1" };

test("IPv6 addresses stand in brackets", needsIPv6, async (t) => {
  const six = createServer((req, res) => res.end(`${req.headers.host}`));
  await new Promise<void>((resolve) => six.listen(0, "::1", resolve));
  t.after(() => six.close());
  const { port: at } = six.address() as AddressInfo;
  const ask = { scheme: "http", host: "::1", path: "/", headers: [], timeoutMs: 1000 } as const;
  assert.deepEqual(await client.http({ ...ask, port: at }), { status: 200, body: `[::1]:${at}` });
  await client.tcp("::1", at, 1000);
  await assert.rejects(client.http({ ...ask, port: 1 }), {
    message: 'Get "http://[::1]:1/": dial tcp [::1]:1: connect: connection refused',
  });
  await assert.rejects(client.grpc("::1", at, "", 300), /\[::1\]:\d+/);
});

test("a gRPC health check says what the service says", async () => {
  const grpc = new GrpcServer();
  const identity = (b: Buffer): Buffer => b;
  grpc.addService(
    {
      Check: {
        path: "/grpc.health.v1.Health/Check",
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    {
      Check: (
        call: { request: Buffer },
        done: (error: { code: number; details: string } | null, answer?: Buffer) => void,
      ) => {
        const service = call.request.subarray(2).toString();
        if (service === "gone") done({ code: 12, details: "unknown service" });
        else done(null, Buffer.from([0x08, service === "sick" ? 2 : 1]));
      },
    },
  );
  const at = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync(withIPv6 ? "[::]:0" : "127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  try {
    for (const host of ["127.0.0.1", "::1"]) assert.equal(await client.grpc(host, at, "", 2000), "SERVING");
    assert.equal(await client.grpc("127.0.0.1", at, "sick", 2000), "NOT_SERVING");
    await assert.rejects(
      client.grpc("127.0.0.1", at, "gone", 2000),
      /does not implement the grpc health protocol/,
    );
  } finally {
    grpc.forceShutdown();
  }
  await assert.rejects(
    client.grpc("127.0.0.1", 1, "", 300),
    /^Error: timeout: failed to connect service "127.0.0.1:1"/,
  );
});
