// Sends a stream of bytes to a WebSocket client and nothing else: one message a piece, then a normal close.
// Specification: apimachinery's wsstream.Reader (subprotocols "", binary.k8s.io, base64.binary.k8s.io).

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { WebSocket } from "ws";
import type { ConnectContext } from "../connect.ts";
import { acceptWebSocket, chooseProtocol } from "./web-socket.ts";

const protocols = ["binary.k8s.io", "base64.binary.k8s.io", ""];

function send(socket: WebSocket, data: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(data, (error) => (error ? reject(error) : resolve()));
  });
}

export async function sendOverWebSocket(
  request: IncomingMessage,
  upgrade: NonNullable<ConnectContext["upgrade"]>,
  source: Readable,
): Promise<void> {
  const base64 = chooseProtocol(request, protocols) === "base64.binary.k8s.io";
  const socket = await acceptWebSocket(request, upgrade, protocols);
  if (!socket) {
    source.destroy();
    return;
  }
  socket.on("close", () => source.destroy());
  // Nothing is asked of the client but its pongs and its good-bye.
  socket.resume();
  try {
    for await (const chunk of source) {
      const data = chunk as Buffer;
      await send(socket, base64 ? data.toString("base64") : data);
    }
    socket.close(1000);
    await Promise.race([once(socket, "close"), new Promise((r) => setTimeout(r, 5000).unref())]);
  } catch {
    // Either side has gone: there is nobody left to tell.
  }
  socket.terminate();
}
