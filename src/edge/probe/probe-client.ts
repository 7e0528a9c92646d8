// The kubelet's ProbeClient: HTTP, TCP and gRPC calls into pods with a hard time limit each.
import { Resolver } from "node:dns/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, isIP } from "node:net";
import type { HttpCall, ProbeClient } from "../../agents/kubelet/mod.ts";
import { dialErrorMessage, joinHostPort } from "../../core/net/mod.ts";
import { grpcHealth } from "./_grpc-health.ts";

const maxBody = 10_240;
const maxRedirects = 10;

function get(call: HttpCall, left: number): Promise<{ status: number; body: string }> {
  const address = joinHostPort(call.host, call.port);
  const url = `${call.scheme}://${address}${call.path}`;
  return new Promise((resolve, reject) => {
    const fail = (text: string): void => reject(new Error(`Get "${url}": ${text}`));
    const headers = Object.create(null) as Record<string, string | string[]>;
    let host: string | undefined;
    for (const [name, value] of call.headers) {
      if (name.toLowerCase() === "host") host = value;
      else {
        const before = headers[name];
        headers[name] = before === undefined ? value : [before, value].flat();
      }
    }
    headers.Host = host ?? address;
    headers.Connection = "close";
    const request = call.scheme === "https" ? httpsRequest : httpRequest;
    let req: ReturnType<typeof httpRequest>;
    try {
      req = request({
        host: call.host,
        port: call.port,
        path: call.path,
        headers,
        agent: false,
        ...(call.scheme === "https" ? { rejectUnauthorized: false } : {}),
      });
    } catch (error) {
      fail((error as Error).message);
      return;
    }
    const timer = setTimeout(() => {
      fail("context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
      req.destroy();
    }, call.timeoutMs);
    req.on("error", (error) => {
      clearTimeout(timer);
      fail(dialErrorMessage(error, address));
    });
    req.on("response", (response) => {
      const status = response.statusCode ?? 0;
      const location = response.headers.location;
      if (status >= 300 && status < 400 && location !== undefined && left > 0) {
        clearTimeout(timer);
        response.destroy();
        let next: URL;
        try {
          next = new URL(location, url);
        } catch (error) {
          fail((error as Error).message);
          return;
        }
        // Another host is not ours to ask: the redirect itself counts as an answer.
        if (next.hostname.replace(/^\[|\]$/g, "") !== call.host) {
          resolve({ status, body: "Probe terminated redirects" });
          return;
        }
        const scheme = next.protocol === "https:" ? "https" : "http";
        const port = next.port ? Number(next.port) : scheme === "https" ? 443 : 80;
        get({ ...call, scheme, port, path: `${next.pathname}${next.search}` }, left - 1).then(
          resolve,
          reject,
        );
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (): void => {
        clearTimeout(timer);
        resolve({ status, body: Buffer.concat(chunks).toString("utf8", 0, maxBody) });
      };
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= maxBody) {
          done();
          response.destroy();
        }
      });
      response.on("end", done);
      response.on("error", done);
    });
    req.end();
  });
}

function tcp(host: string, port: number, timeoutMs: number): Promise<void> {
  const address = joinHostPort(host, port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => {
      reject(new Error(`dial tcp ${address}: i/o timeout`));
      socket.destroy();
    }, timeoutMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve();
      socket.destroy();
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(new Error(dialErrorMessage(error, address)));
    });
  });
}

/** Asks the machine's name servers directly: getaddrinfo would hold one of the process's few threads for seconds. */
async function reachable(host: string, port: number, timeoutMs: number): Promise<boolean> {
  const began = Date.now();
  try {
    let address = host;
    if (isIP(host) === 0 && host !== "localhost") {
      const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
      const timer = setTimeout(() => resolver.cancel(), timeoutMs);
      try {
        address = (await resolver.resolve4(host))[0] ?? "";
      } finally {
        clearTimeout(timer);
      }
    }
    await tcp(address, port, Math.max(100, timeoutMs - (Date.now() - began)));
    return true;
  } catch {
    return false;
  }
}

export function createProbeClient(): ProbeClient {
  return { http: (call) => get(call, maxRedirects), tcp, grpc: grpcHealth, reachable };
}
