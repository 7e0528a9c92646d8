// The TLS listeners of the API server: HTTP/1.1 with client certificates asked for but not demanded, bounded headers and
// time-outs, and an orderly end.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface HttpHandlers {
  handle(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface ListenOptions extends HttpHandlers {
  /** PEM. */
  cert: string;
  key: string;
  /** PEM of the CA whose client certificates are believed. */
  clientCa: string;
  addresses: readonly { host: string; port: number }[];
  onError(error: unknown): void;
}

export interface Listening {
  /** Where it listens, in the order of `addresses`; ports of 0 resolved. */
  addresses: { host: string; port: number }[];
  /** Stops accepting, lets requests finish for up to `graceMs`, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

function listen(server: Server, at: { host: string; port: number }): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, 1024, () => {
      server.removeListener("error", reject);
      const { address, port } = server.address() as AddressInfo;
      resolve({ host: address, port });
    });
  });
}

/** Rejects when an address cannot be listened on. */
export async function serveTls(o: ListenOptions): Promise<Listening> {
  const servers: Server[] = [];
  const sockets = new Set<Duplex>();
  const addresses: { host: string; port: number }[] = [];
  for (const at of o.addresses) {
    const server = createServer({
      cert: o.cert,
      key: o.key,
      ca: o.clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
      minVersion: "TLSv1.2",
      handshakeTimeout: 10_000,
      // As Go's servers have it: the words of an exec are in its query.
      maxHeaderSize: 1 << 20,
      keepAliveTimeout: 180_000,
      headersTimeout: 30_000,
      // Bodies have their own time limit; watches and streams have none.
      requestTimeout: 0,
      noDelay: true,
    });
    server.on("request", o.handle);
    server.on("upgrade", o.upgrade);
    // Without a listener Node would answer 417; the body is small enough to take.
    server.on("checkContinue", (req: IncomingMessage, res: ServerResponse) => {
      res.writeContinue();
      o.handle(req, res);
    });
    server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
      const answer =
        error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
      if (socket.writable) socket.end(`HTTP/1.1 ${answer}\r\nConnection: close\r\n\r\n`);
      else socket.destroy();
    });
    // Raw connections, so that one that never finishes its handshake is known, too.
    server.on("connection", (socket: Duplex) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    try {
      addresses.push(await listen(server, at));
    } catch (error) {
      for (const s of servers) s.close();
      throw new Error(`cannot listen on ${at.host}:${at.port}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    server.on("error", o.onError);
    servers.push(server);
  }
  return {
    addresses,
    async close(graceMs) {
      const closed = Promise.all(
        servers.map((s) => new Promise<void>((resolve) => s.close(() => resolve()))),
      );
      for (const s of servers) s.closeIdleConnections();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
