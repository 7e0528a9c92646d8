// The node's HTTPS endpoints as the kubelet has them: pods, container logs, exec, attach and port-forward. Decides whom and
// what a request means, and leaves the streams themselves to containerd, to which it only passes bytes.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Upgrades } from "../../../control/client/mod.ts";
import type { Pod } from "../../../core/api/types.ts";
import { parseLogOptions } from "../../../core/logs/mod.ts";
import { identify } from "./client-identity.ts";
import { containerSpec, findLogTarget } from "./container-state.ts";
import { serveLogFolder } from "./log-folder.ts";
import { readLog } from "./log-reader.ts";
import type { PodRuntimePort } from "./runtime-port.ts";

export interface KubeletServerOptions {
  runtime: PodRuntimePort;
  upgrades: Upgrades;
  /** The folder that /logs/ shows. */
  logFolder: string;
  /** The page of /metrics, Prometheus text. */
  metrics(): string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told of what went wrong on this side of a request. */
  onError?(error: unknown): void;
}

export interface KubeletServer {
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** An answer other than success: plain text, as the kubelet writes them. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** gRPC codes that have an HTTP code of their own; the rest is 500. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { code, details, message } = error as { code?: unknown; details?: string; message: string };
  if (code === 5) return new Refusal(404, details ?? message);
  if (code === 8) return new Refusal(429, details ?? message);
  return new Refusal(500, details ?? message ?? String(error));
}

function parsePorts(values: string[]): number[] {
  return values
    .flatMap((v) => v.split(","))
    .filter((v) => v !== "")
    .map((v) => {
      const port = Number(v);
      if (!/^\d+$/.test(v) || port < 1 || port > 65535)
        throw new Refusal(400, `unable to parse "${v}" as a port`);
      return port;
    });
}

function flags(query: URLSearchParams): { stdin: boolean; stdout: boolean; stderr: boolean; tty: boolean } {
  const on = (name: string): boolean => query.get(name) === "1" || query.get(name) === "true";
  const tty = on("tty");
  // A terminal has one output: stderr asked for beside it is left out, as many clients ask for both.
  const parsed = {
    stdin: on("stdin") || on("input"),
    stdout: on("stdout") || on("output"),
    stderr: (on("stderr") || on("error")) && !tty,
    tty,
  };
  if (!parsed.stdin && !parsed.stdout && !parsed.stderr)
    throw new Refusal(400, "you must specify at least 1 of stdin, stdout, stderr");
  return parsed;
}

function authorize(request: IncomingMessage): void {
  const who = identify(request.socket as TLSSocket);
  if (who.kind === "anonymous") throw new Refusal(401, "Unauthorized");
  if (!who.allowed)
    throw new Refusal(
      403,
      `Forbidden (user=${who.name}, verb=${(request.method ?? "get").toLowerCase()}, resource=nodes, subresource(s)=[proxy])`,
    );
}

interface Target {
  path: string[];
  query: URLSearchParams;
}

function targetOf(request: IncomingMessage): Target {
  try {
    const url = new URL(request.url ?? "/", "https://node");
    return { path: url.pathname.split("/").slice(1).map(decodeURIComponent), query: url.searchParams };
  } catch {
    throw new Refusal(400, "the request's path cannot be read");
  }
}

export function createKubeletServer(options: KubeletServerOptions): KubeletServer {
  const { runtime, upgrades, now, onError } = options;

  function podOf(namespace: string | undefined, name: string | undefined): Pod {
    const pod = namespace && name ? runtime.pod(namespace, name) : undefined;
    if (!pod) throw new Refusal(404, "pod does not exist");
    return pod;
  }

  async function containerLogs({ path, query }: Target, request: IncomingMessage, response: ServerResponse) {
    const [, namespace = "", name = "", container = ""] = path;
    const parsed = parseLogOptions(query, now());
    if (parsed.kind === "error") throw new Refusal(400, '{"message": "Unable to decode query."}');
    if (parsed.kind === "invalid") throw new Refusal(422, '{"message": "Invalid request."}');
    const pod = runtime.pod(namespace, name);
    if (!pod) throw new Refusal(404, `pod ${JSON.stringify(name)} does not exist`);
    if (!containerSpec(pod, container))
      throw new Refusal(
        404,
        `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`,
      );
    const target = findLogTarget(pod, container, parsed.options.previous);
    if (target.kind === "none") throw new Refusal(400, target.message);
    const log = await runtime.containerLog(target.id);
    if (!log) throw new Refusal(400, `unable to retrieve container logs for containerd://${target.id}`);

    const stop = new AbortController();
    response.on("close", () => stop.abort());
    const lines = readLog({
      ...parsed.options,
      path: log.path,
      running: async () => (await runtime.containerLog(target.id))?.running ?? false,
      signal: stop.signal,
    });
    // The first piece before the headers: a log that cannot be opened is a refusal, not an empty success.
    const follow = parsed.options.follow;
    if (follow) {
      response.writeHead(200, { "content-type": "text/plain" });
      response.flushHeaders();
    }
    for await (const piece of lines) {
      if (!response.headersSent) response.writeHead(200, { "content-type": "text/plain" });
      if (stop.signal.aborted) break;
      if (!response.write(piece))
        await new Promise<void>((resolve) => {
          const go = (): void => {
            response.removeListener("drain", go);
            stop.signal.removeEventListener("abort", go);
            resolve();
          };
          response.on("drain", go);
          stop.signal.addEventListener("abort", go);
        });
    }
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/plain" });
    response.end();
    request.resume();
  }

  function json(response: ServerResponse, value: unknown): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    authorize(request);
    const target = targetOf(request);
    const [what] = target.path;
    if (what === "exec" || what === "attach" || what === "portForward") {
      // The same order of refusals as with an upgrade: a client learns of a missing pod first.
      await streamingUrl(target);
      throw new Refusal(400, "Upgrade request required");
    }
    if (request.method !== "GET" && request.method !== "HEAD") throw new Refusal(405, "Method Not Allowed");
    switch (what) {
      case "healthz":
        response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
        response.end("ok");
        return;
      case "metrics":
        if (target.path.length > 1) break;
        response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
        response.end(options.metrics());
        return;
      case "pods":
        json(response, { kind: "PodList", apiVersion: "v1", metadata: {}, items: runtime.pods() });
        return;
      case "runningpods":
        json(response, {
          kind: "PodList",
          apiVersion: "v1",
          metadata: {},
          items: runtime.pods().filter((p) => p.status?.phase === "Running"),
        });
        return;
      case "containerLogs":
        await containerLogs(target, request, response);
        return;
      case "logs":
        if (await serveLogFolder(options.logFolder, target.path.slice(1), response)) return;
    }
    throw new Refusal(404, "404 page not found");
  }

  /** Resolves what a stream request means and asks containerd for its address. */
  async function streamingUrl({ path, query }: Target): Promise<string> {
    const [what, namespace, name, third, fourth] = path;
    if (what === "portForward") {
      const pod = podOf(namespace, name);
      if (third && third !== pod.metadata.uid) throw new Refusal(404, "pod not found");
      const ports = parsePorts([...query.getAll("port"), ...query.getAll("ports")]);
      const sandboxId = await runtime.sandbox(pod.metadata.uid ?? "");
      if (sandboxId === undefined)
        throw new Refusal(500, `pod not found (${JSON.stringify(`${name}_${namespace}`)})`);
      return runtime.portForward({ sandboxId, ports });
    }
    const container = fourth ?? third ?? "";
    const streams = flags(query);
    const pod = podOf(namespace, name);
    if (fourth !== undefined && third !== pod.metadata.uid) throw new Refusal(404, "pod not found");
    const containerId = await runtime.runningContainer(pod.metadata.uid ?? "", container);
    if (what === "attach") {
      const spec = containerSpec(pod, container);
      if (containerId === undefined || !spec)
        throw new Refusal(500, `container ${container} not found in pod ${name}_${namespace}`);
      // Whether there is a terminal was settled when the container was made.
      return runtime.attach({ containerId, ...streams, tty: spec.tty === true });
    }
    if (containerId === undefined)
      throw new Refusal(500, `container not found (${JSON.stringify(container)})`);
    return runtime.exec({ containerId, command: query.getAll("command"), ...streams });
  }

  async function stream(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    authorize(request);
    const target = targetOf(request);
    const [what] = target.path;
    if (what !== "exec" && what !== "attach" && what !== "portForward")
      throw new Refusal(404, "404 page not found");
    await upgrades.relay({ request, socket, head }, { url: await streamingUrl(target) });
  }

  return {
    onRequest(request, response) {
      answer(request, response).catch((error: unknown) => {
        const { code, message } = refusalOf(error);
        if (code === 500) onError?.(error);
        if (response.headersSent) {
          response.destroy();
          return;
        }
        const headers = { "content-type": "text/plain; charset=utf-8" };
        response.writeHead(code, code === 429 ? { ...headers, "retry-after": "60" } : headers);
        response.end(message);
      });
    },
    onUpgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      stream(request, socket, head).catch((error: unknown) => {
        const { code, message } = refusalOf(error);
        if (code === 500) onError?.(error);
        const body = Buffer.from(message);
        const type = "text/plain; charset=utf-8";
        socket.end(
          `HTTP/1.1 ${code} Refused\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${message}`,
        );
      });
    },
  };
}
