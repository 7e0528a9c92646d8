// Port-forward for WebSocket clients: the same SPDY bytes as on a raw upgrade, carried in binary messages
// (subprotocol `SPDY/3.1+portforward.k8s.io`, KEP-4006).

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { failure } from "../../../core/api/status.ts";
import { dialErrorMessage } from "../../../core/net/mod.ts";
import type { UpgradeAnswer, Upgrades, UpgradeTarget } from "../../client/mod.ts";
import type { ConnectContext } from "../connect.ts";
import { acceptWebSocket, refuseUpgrade, requestedProtocols } from "./web-socket.ts";

const prefix = "SPDY/3.1+";
const maxWaiting = 1024 * 1024;

/** The protocols that the client tunnels, without the prefix; empty when it tunnels none. */
export function tunnelledProtocols(names: readonly string[]): string[] {
  return names
    .filter((n) => n.startsWith(prefix) && n.endsWith(".k8s.io"))
    .map((n) => n.slice(prefix.length));
}

/** Copies messages to bytes and bytes to messages until either side ends. */
function join(web: WebSocket, spdy: Duplex, head: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const send = (bytes: Buffer): void => {
      web.send(bytes, () => {
        if (spdy.isPaused() && web.bufferedAmount < maxWaiting) spdy.resume();
      });
      if (web.bufferedAmount > maxWaiting) spdy.pause();
    };
    web.on("message", (data) => {
      if (!spdy.writable || spdy.write(data as Buffer)) return;
      web.pause();
    });
    spdy.on("drain", () => web.resume());
    if (head.length > 0) send(head);
    spdy.on("data", send);
    spdy.on("error", () => {});
    spdy.on("end", () => spdy.end());
    spdy.on("close", () => {
      web.resume();
      web.close(1000);
      setTimeout(() => web.terminate(), 5000).unref();
    });
    web.on("close", () => {
      spdy.destroy();
      resolve();
    });
    web.resume();
    if (web.readyState !== web.OPEN) spdy.destroy();
    if (spdy.destroyed) web.terminate();
  });
}

export async function serveTunnel(
  context: ConnectContext,
  upgrade: NonNullable<ConnectContext["upgrade"]>,
  target: UpgradeTarget,
  upgrades: Upgrades,
): Promise<void> {
  const versions = tunnelledProtocols(requestedProtocols(context.request));
  let answer: UpgradeAnswer;
  try {
    answer = await upgrades.open(target, { upgrade: "SPDY/3.1", "x-stream-protocol-version": versions });
  } catch (error) {
    throw failure(
      500,
      "InternalError",
      `error dialing backend: ${dialErrorMessage(error, new URL(target.url).host)}`,
    );
  }
  if (answer.kind === "refused") {
    refuseUpgrade(upgrade, answer.code, answer.body.toString("utf8"), answer.contentType || undefined);
    return;
  }
  const picked = String(answer.headers["x-stream-protocol-version"] ?? versions[0]);
  const web = await acceptWebSocket(context.request, upgrade, [`${prefix}${picked}`]);
  if (web) await join(web, answer.socket, answer.head);
  else answer.socket.destroy();
}
