import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { tunnel } from "./upgrade.ts";

/** The last words of the runtime: few enough for the buffers of a connection: what the kernel has not taken over is lost. */
const words = Buffer.alloc(100_000, "w");
let server: Server;
let port: number;

before(async () => {
  // As containerd: reads nothing of what it is sent, says its last words and closes, which resets the connection.
  server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {});
    setTimeout(() => socket.write(words, () => socket.destroy()), 5);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
});
after(() => void server.close());

function dial(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
  });
}

/** A client that never stops sending, and takes what comes at its own pace. */
function flood(taken: Buffer[], pace: () => Promise<unknown>): Duplex {
  return new Duplex({
    read() {
      setImmediate(() => this.push(Buffer.alloc(16_384)));
    },
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk);
      pace().then(() => done());
    },
    final(done) {
      done();
      this.destroy();
    },
  });
}

const clients = [
  { name: "a client that reads at once", pace: () => Promise.resolve() },
  { name: "a client that reads slowly", pace: () => pause(3) },
];
for (const { name, pace } of clients)
  test(`${name} has all that a peer said before it closed with unread input`, async () => {
    for (let i = 0; i < 30; i++) {
      const taken: Buffer[] = [];
      const client = flood(taken, pace);
      await tunnel(client, await dial());
      assert.equal(Buffer.concat(taken).length, words.length, `try ${i}`);
    }
  });
