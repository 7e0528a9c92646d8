// HTTP Upgrade towards another server, and the tunnel of bytes that follows it. Knows nothing of what travels inside.
// Specification: RFC 9110 section 7.8; apimachinery's UpgradeAwareHandler for what is passed on.
import { type ClientRequest, type IncomingMessage, request as plainRequest, STATUS_CODES } from "node:http";
import { request as tlsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { IncomingUpgrade, UpgradeAnswer, Upgrades, UpgradeTarget } from "../../control/client/mod.ts";

const maxRefusal = 64 * 1024;

/** Headers that belong to one connection or to its login: never passed on. */
const ownHeaders = new Set(["host", "authorization", "content-length", "transfer-encoding", "expect"]);

interface Answered {
  response: IncomingMessage;
  /** Absent: the other side answered without changing protocol. */
  socket: Duplex | undefined;
  head: Buffer;
}

export interface UpgradeLimits {
  /** Milliseconds until the other side has answered (30 s). */
  timeoutMs?: number;
}

/** Small frames must leave at once, and a peer that vanished must be noticed. */
function tune(socket: Duplex): void {
  const tcp = socket as Partial<Socket>;
  tcp.setNoDelay?.(true);
  tcp.setKeepAlive?.(true, 30_000);
  tcp.setTimeout?.(0);
}

function dial(
  method: string,
  target: UpgradeTarget,
  headers: Record<string, string | string[]>,
  timeoutMs: number,
  cancelled?: Duplex,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const url = new URL(target.url);
    const options = { method, headers: { "content-length": "0", ...headers }, agent: false as const };
    const req: ClientRequest =
      url.protocol === "https:"
        ? tlsRequest(url, { ...options, ...target.tls, rejectUnauthorized: target.verify !== false })
        : plainRequest(url, options);
    const timer = setTimeout(
      () => req.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const gone = (): void => {
      req.destroy(new Error("the client went away"));
    };
    cancelled?.once("close", gone);
    const settle = (): void => {
      clearTimeout(timer);
      cancelled?.removeListener("close", gone);
    };
    req.on("upgrade", (response, socket, head) => {
      settle();
      resolve({ response, socket, head });
    });
    req.on("response", (response) => {
      settle();
      resolve({ response, socket: undefined, head: Buffer.alloc(0) });
    });
    req.on("error", (error) => {
      settle();
      reject(
        new Error(`${method} ${url.protocol}//${url.host}${url.pathname}: ${error.message}`, {
          cause: error,
        }),
      );
    });
    req.end();
  });
}

async function readRefusal(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => response.destroy(), 10_000);
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > maxRefusal) break;
    }
  } catch {
    // What came is what there is to tell.
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
  return Buffer.concat(chunks).subarray(0, maxRefusal);
}

/**
 * A failed write would destroy the socket, and with it what the peer said before it closed and nobody has read yet: containerd
 * closes right after a command's status, whatever it was still being sent. So a write that fails is forgotten, and the peer's
 * end is learnt by reading up to it.
 */
function readToTheEnd(socket: Duplex): void {
  const { _write: write, _writev: writev } = socket;
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, () => done());
  if (writev) socket._writev = (chunks, done) => writev.call(socket, chunks, () => done());
}

/** Copies bytes both ways until both are closed. When one side ends, what it sent is still delivered. */
export function tunnel(a: Duplex, b: Duplex): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const couple = (from: Duplex, to: Duplex): void => {
      readToTheEnd(to);
      from.on("data", (chunk: Buffer) => {
        if (to.writable && !to.write(chunk)) from.pause();
      });
      to.on("drain", () => from.resume());
      to.on("close", () => from.resume());
      // However a side ends, what it said before is still on its way to the other.
      const finish = (): void => {
        const rest: Buffer | null = from.errored || from.closed ? from.read() : null;
        if (rest && to.writable) to.write(rest);
        to.end();
        setTimeout(() => to.destroy(), 5_000).unref();
      };
      from.on("error", finish);
      from.on("close", () => {
        finish();
        if (--open === 0) resolve();
      });
      from.on("end", () => {
        // Neither SPDY nor WebSocket uses half-closed connections: an end is the end of both ways.
        finish();
        from.end();
      });
    };
    couple(a, b);
    couple(b, a);
    if (a.destroyed) b.destroy();
    if (b.destroyed) a.destroy();
  });
}

/** The lines of a response as they came, one header a line. */
function responseHead(response: IncomingMessage): string {
  const code = response.statusCode ?? 502;
  let text = `HTTP/1.1 ${code} ${response.statusMessage || (STATUS_CODES[code] ?? "")}\r\n`;
  for (let i = 0; i < response.rawHeaders.length; i += 2)
    text += `${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}\r\n`;
  return `${text}\r\n`;
}

export function createUpgrades(limits: UpgradeLimits = {}): Upgrades {
  const { timeoutMs = 30_000 } = limits;
  return {
    async open(target, headers): Promise<UpgradeAnswer> {
      const { response, socket, head } = await dial(
        "POST",
        target,
        { connection: "Upgrade", ...headers },
        timeoutMs,
      );
      if (socket) {
        tune(socket);
        return { kind: "open", socket, head, headers: response.headers };
      }
      return {
        kind: "refused",
        code: response.statusCode ?? 502,
        contentType: response.headers["content-type"] ?? "",
        body: await readRefusal(response),
      };
    },

    async relay(incoming: IncomingUpgrade, target: UpgradeTarget, extra = {}): Promise<void> {
      const { request, socket, head } = incoming;
      const headers: Record<string, string | string[]> = {};
      for (const [name, values] of Object.entries(request.headersDistinct))
        if (values && !ownHeaders.has(name)) headers[name] = values.length === 1 ? values[0]! : values;
      Object.assign(headers, extra);
      socket.on("error", () => socket.destroy());
      const answered = await dial(request.method ?? "GET", target, headers, timeoutMs, socket);
      if (!answered.socket) {
        const body = await readRefusal(answered.response);
        const code = answered.response.statusCode ?? 502;
        const type = answered.response.headers["content-type"] ?? "text/plain; charset=utf-8";
        const text = `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ""}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
        socket.end(Buffer.concat([Buffer.from(text), body]));
        return;
      }
      tune(socket);
      tune(answered.socket);
      socket.write(Buffer.concat([Buffer.from(responseHead(answered.response), "latin1"), answered.head]));
      if (head.length > 0) answered.socket.write(head);
      await tunnel(socket, answered.socket);
    },
  };
}
