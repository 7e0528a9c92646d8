// A plain HTTP request from the API server to a node, pod or service, answered as a stream.
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import type { Readable } from "node:stream";

/** PEM: whom the API server trusts and who it is, towards the nodes' kubelet servers. */
export interface KubeletTls {
  ca: string | Buffer;
  cert: string | Buffer;
  key: string | Buffer;
}

export interface Outgoing {
  method: string;
  url: string;
  headers: Record<string, string | string[]>;
  /** Absent for https: the server's certificate is not verified (pods and services have none that could be). */
  tls?: KubeletTls | undefined;
  /** Piped into the request; absent: no body. */
  body?: Readable | undefined;
  /** Milliseconds until the response's headers have come. */
  timeoutMs: number;
  signal: AbortSignal;
}

export function requestOutgoing(o: Outgoing): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = new URL(o.url);
    const { method, headers, signal } = o;
    const options = { method, headers, signal, agent: false as const, maxHeaderSize: 1 << 20 };
    const req =
      url.protocol === "https:"
        ? tlsRequest(url, { ...options, ...(o.tls ?? { rejectUnauthorized: false }) })
        : plainRequest(url, options);
    const timer = setTimeout(() => {
      req.destroy(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" }));
    }, o.timeoutMs);
    req.on("socket", (socket) => {
      socket.setKeepAlive(true, 30_000);
      socket.setNoDelay(true);
    });
    req.on("response", (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    req.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    if (o.body) o.body.pipe(req);
    else req.end();
  });
}

/** Everything a short answer says, at most `limit` bytes of it. */
export async function readText(response: IncomingMessage, limit = 50_000): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= limit) break;
  }
  response.destroy();
  return Buffer.concat(chunks).subarray(0, limit).toString("utf8");
}
