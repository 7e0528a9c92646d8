// An HTTPS listener that asks every client for a certificate and leaves it to its handlers what to make of it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** As Go's servers have it: the words of an exec are in its query. */
const maxHeaderSize = 1 << 20;

export interface ListenOptions {
  host: string;
  port: number;
  /** PEM. */
  ca: string | Buffer;
  cert: string | Buffer;
  key: string | Buffer;
  handlers: {
    onRequest(request: IncomingMessage, response: ServerResponse): void;
    onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  };
}

export interface Listener {
  /** The port that was bound, where 0 was asked for. */
  readonly port: number;
  /** Stops accepting and cuts every connection. */
  close(): Promise<void>;
}

/** Rejects when the address cannot be bound. Client certificates are verified (`socket.authorized`), not required. */
export async function listenTls(options: ListenOptions): Promise<Listener> {
  const { host, port, ca, cert, key, handlers } = options;
  const server = createServer(
    { ca, cert, key, requestCert: true, rejectUnauthorized: false, maxHeaderSize },
    handlers.onRequest,
  );
  const sockets = new Set<Duplex>();
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  server.on("upgrade", handlers.onUpgrade);
  // Long answers (a followed log) have no end in sight; headers must come in time all the same.
  server.requestTimeout = 0;
  server.headersTimeout = 30_000;
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
