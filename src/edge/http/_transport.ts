// One HTTPS connection pool to one server: a request with a time limit goes in, a response or a StatusError comes out.
// What the server asks to be tried again (Retry-After with 429 or 5xx) is tried again, as client-go does.
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { pause } from "../../control/client/mod.ts";
import { failure, type Status, StatusError } from "../../core/api/status.ts";
import { joinHostPort } from "../../core/net/mod.ts";

export interface ServerTarget {
  server: { host: string; port: number };
  /** PEM of the certificate authority that signed the server's certificate. */
  ca: string | Buffer;
  /** PEM of the client certificate and its key. */
  cert?: string | Buffer | undefined;
  key?: string | Buffer | undefined;
  /** Bearer token; a function is asked for every request, so a rotated token is picked up. */
  token?: string | (() => string) | undefined;
}

export interface Call {
  method: string;
  /** Path with query. */
  path: string;
  body?: unknown;
  contentType?: string | undefined;
}

export interface Transport {
  /** The parsed JSON answer. Throws StatusError for refusals and Error for what never reached the server. */
  json(call: Call): Promise<unknown>;
  /** The open response of a long request, once its headers are there. Its socket does not count against `maxSockets`. */
  open(call: Call, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

export interface TransportLimits {
  /** Milliseconds for a whole request, retries included (30 s). */
  timeoutMs?: number;
  /** Connections for short requests (32); further requests wait for one of them. */
  maxSockets?: number;
  /** Bytes of a whole answer (256 MiB). */
  maxAnswer?: number;
  /** Told of every request: its code, "<error>" when there was no answer, and the milliseconds until its headers. */
  onAnswer?(method: string, code: string, milliseconds: number): void;
}

const maxAttempts = 10;

function reasonOf(code: number): string {
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 406:
      return "NotAcceptable";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 415:
      return "UnsupportedMediaType";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 500:
      return "InternalError";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "Unknown";
  }
}

/** The refusal that an answer of this code and text stands for. */
export function refusal(code: number, text: string): StatusError {
  try {
    const status = JSON.parse(text) as Status;
    if (status?.kind === "Status") return new StatusError({ ...status, code: status.code ?? code });
  } catch {
    // Not a Status: worded below.
  }
  const said = text.trim().slice(0, 1000);
  return failure(
    code,
    reasonOf(code),
    `the server answered ${code}${said === "" ? " without a message" : `: ${said}`}`,
  );
}

export function createTransport(target: ServerTarget, limits: TransportLimits = {}): Transport {
  const { timeoutMs = 30_000, maxSockets = 32, maxAnswer = 256 * 2 ** 20 } = limits;
  const { host, port } = target.server;
  const tls = { host, port, ca: target.ca, cert: target.cert, key: target.key };
  const short = new Agent({ ...tls, keepAlive: true, keepAliveMsecs: 15_000, maxSockets, maxFreeSockets: 8 });
  const long = new Agent({ ...tls, keepAlive: false });

  function send(call: Call, agent: Agent, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
      const headers: Record<string, string | number> = {
        accept: "application/json",
        "user-agent": "portolan",
      };
      const token = typeof target.token === "function" ? target.token() : target.token;
      if (token) headers.authorization = `Bearer ${token}`;
      if (body) {
        headers["content-type"] = call.contentType ?? "application/json";
        headers["content-length"] = body.length;
      }
      const req = request({ ...tls, agent, method: call.method, path: call.path, headers, signal });
      req.on("socket", (socket) => socket.setKeepAlive(true, 15_000));
      const began = performance.now();
      const tell = (code: string): void => limits.onAnswer?.(call.method, code, performance.now() - began);
      req.once("response", (response) => {
        tell(String(response.statusCode ?? 0));
        req.off("error", failed);
        req.on("error", () => {});
        resolve(response);
      });
      const failed = (error: Error): void => {
        tell("<error>");
        reject(error);
      };
      req.on("error", failed);
      req.end(body);
    });
  }

  async function readAll(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response) {
      size += (chunk as Buffer).length;
      if (size > maxAnswer) {
        response.destroy();
        throw new Error(`the answer is larger than ${maxAnswer} bytes`);
      }
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  /** Milliseconds after which to try again, when the answer asks for it. */
  function retryAfter(response: IncomingMessage): number | undefined {
    const code = response.statusCode ?? 0;
    const seconds = Number(response.headers["retry-after"]);
    if ((code !== 429 && code < 500) || response.headers["retry-after"] === undefined) return undefined;
    return Number.isFinite(seconds) ? Math.max(0, seconds) * 1000 : undefined;
  }

  async function json(call: Call): Promise<unknown> {
    const deadline = Date.now() + timeoutMs;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    try {
      for (let attempt = 1; ; attempt++) {
        let response: IncomingMessage;
        try {
          response = await send(call, short, limit.signal);
        } catch (error) {
          // A kept connection that the server had just closed: harmless to ask again what changes nothing.
          const stale = (error as NodeJS.ErrnoException).code === "ECONNRESET" && call.method === "GET";
          if (stale && attempt === 1 && !limit.signal.aborted) continue;
          throw error;
        }
        const text = await readAll(response);
        const code = response.statusCode ?? 0;
        if (code >= 200 && code < 300) return text === "" ? undefined : JSON.parse(text);
        const wait = retryAfter(response);
        if (wait === undefined || attempt >= maxAttempts || Date.now() + wait >= deadline)
          throw refusal(code, text);
        await pause(wait, limit.signal);
        limit.signal.throwIfAborted();
      }
    } catch (error) {
      if (error instanceof StatusError) throw error;
      const what = `${call.method} https://${joinHostPort(host, port)}${call.path}`;
      if (limit.signal.aborted)
        throw new Error(`${what}: no answer within ${timeoutMs / 1000} s`, { cause: error });
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  async function open(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const limit = new AbortController();
    const stop = (): void => limit.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const timer = setTimeout(() => limit.abort(new Error("time limit")), timeoutMs);
    try {
      const response = await send(call, long, limit.signal);
      response.once("close", () => signal.removeEventListener("abort", stop));
      if (response.statusCode === 200) return response;
      throw refusal(response.statusCode ?? 0, await readAll(response));
    } catch (error) {
      signal.removeEventListener("abort", stop);
      if (error instanceof StatusError || signal.aborted) throw error;
      const why = limit.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : (error as Error).message;
      throw new Error(`${call.method} https://${joinHostPort(host, port)}${call.path}: ${why}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    json,
    open,
    close() {
      short.destroy();
      long.destroy();
    },
  };
}
