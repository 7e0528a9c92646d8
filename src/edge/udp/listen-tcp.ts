// DNS over TCP: two bytes of length before each message, many on a connection, answers in the order they are ready
// (RFC 7766). Connections, messages at work on each and idle time are bounded; a client that does not read is not read.
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { DnsSockets, MessageHandler } from "../../agents/dns/mod.ts";

const idleMs = 10_000;
const maxConnections = 1000;
const maxAtWork = 100;

export const listenTcp: DnsSockets["listenTcp"] = async (at, handler) => {
  const connections = new Set<Socket>();
  const out = Buffer.allocUnsafe(65535);
  const server = createServer({ noDelay: true }, (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serveConnection(socket, handler, out);
  });
  server.maxConnections = maxConnections;
  server.listen({ host: at.address, port: at.port });
  await once(server, "listening");
  const bound = server.address() as { address: string; port: number };
  return {
    at: { address: bound.address, port: bound.port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connections) socket.destroy();
      }),
  };
};

function serveConnection(socket: Socket, handler: MessageHandler, out: Buffer): void {
  let received: Buffer = Buffer.alloc(0);
  let atWork = 0;
  let ended = false;
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  const send = (bytes: Buffer): void => {
    if (socket.destroyed) return;
    const framed = Buffer.allocUnsafe(bytes.length + 2);
    framed.writeUInt16BE(bytes.length, 0);
    bytes.copy(framed, 2);
    if (!socket.write(framed)) socket.pause();
  };
  const settle = (): void => {
    if (ended && atWork === 0) socket.end();
  };
  /** Takes whole messages from what came, as long as there is room to work on them. */
  const work = (): void => {
    let p = 0;
    while (atWork < maxAtWork && received.length - p >= 2) {
      const length = received.readUInt16BE(p);
      if (received.length - p - 2 < length) break;
      // A copy: the handler may keep its message, and `received` is large.
      const message = Buffer.from(received.subarray(p + 2, p + 2 + length));
      p += 2 + length;
      const result = handler(message, out);
      if (typeof result === "number") {
        if (result > 0) send(out.subarray(0, result));
        else socket.destroy();
        continue;
      }
      atWork++;
      result
        .then(
          (bytes) => bytes && send(bytes),
          () => socket.destroy(),
        )
        .finally(() => {
          atWork--;
          work();
          settle();
        });
    }
    if (p > 0) received = received.subarray(p);
    if (atWork >= maxAtWork) socket.pause();
    else if (!socket.writableNeedDrain && !socket.destroyed) socket.resume();
  };
  socket.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    work();
  });
  socket.on("drain", work);
  socket.on("end", () => {
    ended = true;
    settle();
  });
}
