// Connections that change protocol (HTTP Upgrade: SPDY/3.1, WebSocket) as the roles see them: ports that edge/http
// supplies, so that neither the API server nor the kubelet server dials by itself.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface UpgradeTarget {
  /** http: or https: with path and query. */
  url: string;
  /** For https: whom to trust and who we are (PEM). */
  tls?: { ca: string | Buffer; cert: string | Buffer; key: string | Buffer } | undefined;
  /** False: the server's certificate is not verified. */
  verify?: boolean | undefined;
}

/** An upgrade request as it came in. */
export interface IncomingUpgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/** What the other side said: the open connection, or the answer it gave instead. */
export type UpgradeAnswer =
  | { kind: "open"; socket: Duplex; head: Buffer; headers: Record<string, string | string[] | undefined> }
  | { kind: "refused"; code: number; contentType: string; body: Buffer };

export interface Upgrades {
  /** Asks for an upgrade with these headers. Rejects when the target cannot be reached or is silent for 30 s. */
  open(target: UpgradeTarget, headers: Record<string, string | string[]>): Promise<UpgradeAnswer>;
  /**
   * Passes an upgrade request on as it came, its answer back, and then bytes both ways until one side ends.
   * Resolves when both sides are closed; rejects, before anything was answered, when the target cannot be reached.
   */
  relay(incoming: IncomingUpgrade, target: UpgradeTarget, headers?: Record<string, string>): Promise<void>;
}
