// The seam between the API server's request path and the handlers that carry streams to a node, pod or service
// (log, exec, attach, portforward, proxy): a request already authenticated and routed, and where its answer goes.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { KubeClient } from "../client/mod.ts";

export interface ConnectContext {
  request: IncomingMessage;
  /** Absent for an upgrade request. */
  response: ServerResponse | undefined;
  /** Set for an upgrade request: the raw connection and what was read past the headers. */
  upgrade: { socket: Duplex; head: Buffer } | undefined;
  /** "pods", "services" or "nodes". */
  resource: string;
  subresource: string;
  namespace: string | undefined;
  name: string;
  /** What follows the subresource in the path, with its leading slash ("" when nothing does); for proxy. */
  subpath: string;
  query: URLSearchParams;
  client: KubeClient;
}

/** Answers the request completely. Throws StatusError before anything was answered; the caller then writes the Status. */
export type ConnectHandler = (context: ConnectContext) => Promise<void>;

/** By `resource/subresource`, e.g. "pods/exec". */
export type ConnectHandlers = Readonly<Record<string, ConnectHandler>>;
