// The server's half of a WebSocket handshake with a subprotocol chosen as Kubernetes chooses it: the client's first that is
// served; a client that names none gets the one called "".
import type { IncomingMessage } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import type { ConnectContext } from "../connect.ts";

/** Messages are pieces of streams; clients send up to 1 MiB at a time, and none needs more than this. */
const maxPayload = 16 * 2 ** 20;

export function requestedProtocols(request: IncomingMessage): string[] {
  const header = request.headers["sec-websocket-protocol"] ?? "";
  const names = header
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return names.length === 0 ? [""] : names;
}

/** The client's first protocol that is served; undefined when none is. */
export function chooseProtocol(request: IncomingMessage, served: readonly string[]): string | undefined {
  return requestedProtocols(request).find((name) => served.includes(name));
}

/** Writes a plain refusal on a connection that asked for an upgrade, and closes it. */
export function refuseUpgrade(
  upgrade: NonNullable<ConnectContext["upgrade"]>,
  code: number,
  message: string,
  contentType = "text/plain; charset=utf-8",
): void {
  const body = Buffer.from(message);
  const head = `HTTP/1.1 ${code} Refused\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  upgrade.socket.end(Buffer.concat([Buffer.from(head), body]));
}

/** The open connection, paused; undefined when the client asked for nothing that is served, and was told so. */
export function acceptWebSocket(
  request: IncomingMessage,
  upgrade: NonNullable<ConnectContext["upgrade"]>,
  served: readonly string[],
): Promise<WebSocket | undefined> {
  const protocol = chooseProtocol(request, served);
  if (protocol === undefined) {
    const asked = requestedProtocols(request).join(" ");
    refuseUpgrade(
      upgrade,
      403,
      `requested protocol(s) are not supported: [${asked}]; supports [${served.join(" ")}]`,
    );
    return Promise.resolve(undefined);
  }
  // `SPDY/3.1+portforward.k8s.io` is no token as RFC 6455 wants it, and the library refuses it: it never sees the header.
  delete request.headers["sec-websocket-protocol"];
  return new Promise((resolve) => {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload,
    });
    server.on("headers", (headers) => {
      if (protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
    });
    server.on("wsClientError", (error, socket) => {
      socket.end(`HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n${error.message}\n`);
      resolve(undefined);
    });
    server.handleUpgrade(request, upgrade.socket as import("node:net").Socket, upgrade.head, (socket) => {
      // Messages wait in the connection until somebody listens: the caller resumes it.
      socket.pause();
      // The listener "error" must be there: a client that breaks the protocol closes its connection, not the server.
      socket.on("error", () => socket.terminate());
      resolve(socket);
    });
  });
}
