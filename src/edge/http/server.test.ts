import assert from "node:assert/strict";
import { request } from "node:https";
import { connect } from "node:net";
import { test } from "node:test";
import { createTestPki } from "../../../test/support/pki.ts";
import { serveTls } from "./server.ts";

test("it ends in time, whatever its clients do", { timeout: 20_000 }, async () => {
  const pki = await createTestPki();
  const serving = await pki.serving("127.0.0.1");
  const listening = await serveTls({
    ...serving,
    clientCa: pki.ca,
    addresses: [{ host: "127.0.0.1", port: 0 }],
    handle: (_req, res) => {
      res.writeHead(200);
      res.write("and so on");
    },
    upgrade: (_req, socket) =>
      void socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
    onError: (error) => assert.fail(String(error)),
  });
  const { port } = listening.addresses[0]!;
  // One that never shakes hands, one whose answer never ends, one that was upgraded.
  const silent = connect(port, "127.0.0.1");
  await new Promise((resolve) => silent.once("connect", resolve));
  silent.on("error", () => {});
  const ask = (headers: Record<string, string>, event: "response" | "upgrade"): Promise<void> =>
    new Promise((resolve) => {
      const req = request({ host: "127.0.0.1", port, ca: pki.ca, headers });
      req.on("error", () => {});
      req.once("response", (res) => res.on("error", () => {}).resume());
      req.once("upgrade", (_res, socket) => socket.on("error", () => {}).resume());
      req.once(event, () => resolve());
      req.end();
    });
  await ask({}, "response");
  await ask({ Connection: "Upgrade", Upgrade: "x" }, "upgrade");
  const start = Date.now();
  await listening.close(200);
  assert.ok(Date.now() - start < 2000);
  silent.destroy();
});

test("an address that is taken is named", async () => {
  const pki = await createTestPki();
  const options = {
    ...(await pki.serving("127.0.0.1")),
    clientCa: pki.ca,
    handle() {},
    upgrade() {},
    onError() {},
  };
  const first = await serveTls({ ...options, addresses: [{ host: "127.0.0.1", port: 0 }] });
  const { port } = first.addresses[0]!;
  await assert.rejects(
    serveTls({ ...options, addresses: [{ host: "127.0.0.1", port }] }),
    new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
  );
  await first.close(0);
});
