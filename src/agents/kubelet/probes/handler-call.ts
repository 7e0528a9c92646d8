// Runs what probes and lifecycle hooks have in common: an exec, an HTTP GET, a TCP connect, a gRPC health check
// (core/v1 LifecycleHandler, ProbeHandler; kubelet prober and lifecycle packages).
import type { Container, Pod } from "../../../core/api/types.ts";
import { goDuration } from "../go-duration.ts";
import type { PodRuntime } from "../runtime/mod.ts";
import type { ProbeClient } from "./probe-client.ts";

export interface Handler {
  exec?: { command?: string[] };
  httpGet?: {
    host?: string;
    path?: string;
    port: number | string;
    scheme?: string;
    httpHeaders?: { name: string; value: string }[];
  };
  tcpSocket?: { host?: string; port: number | string };
  grpc?: { port: number; service?: string };
  sleep?: { seconds: number };
}

export interface HandlerContext {
  pod: Pod;
  container: Container;
  containerId: string;
  podIP: string;
  runtime: PodRuntime;
  client: ProbeClient;
  timeoutMs: number;
}

export interface HandlerResult {
  ok: boolean;
  output: string;
}

/** A named port's number; undefined where the container has none of that name. */
export function portNumber(container: Container, port: number | string): number | undefined {
  if (typeof port === "number") return port;
  const named = container.ports?.find((p) => p.name === port)?.containerPort;
  if (named !== undefined) return named;
  return /^\d+$/.test(port) ? Number(port) : undefined;
}

const maxOutput = 10_240;

const cut = (text: string): string => (text.length > maxOutput ? text.slice(0, maxOutput) : text);

function headersOf(get: NonNullable<Handler["httpGet"]>): [string, string][] {
  const headers: [string, string][] = (get.httpHeaders ?? []).map((h) => [h.name, h.value]);
  const has = (name: string): boolean => headers.some(([n]) => n.toLowerCase() === name);
  if (!has("user-agent")) headers.push(["User-Agent", "kube-probe/1.36"]);
  if (!has("accept")) headers.push(["Accept", "*/*"]);
  return headers.filter(([n, v]) => v !== "" || !["user-agent", "accept"].includes(n.toLowerCase()));
}

/** Never rejects: a failure is a result with the words that its event shows. */
export async function callHandler(handler: Handler, context: HandlerContext): Promise<HandlerResult> {
  const { container, podIP, runtime, client, timeoutMs } = context;
  try {
    if (handler.exec) {
      const command = handler.exec.command ?? [];
      const limit = new Promise<HandlerResult>((resolve) => {
        const timer = setTimeout(() => {
          const text = `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${goDuration(timeoutMs)}`;
          resolve({ ok: false, output: text });
        }, timeoutMs + 200);
        timer.unref();
      });
      const exec = runtime
        .execSync(context.containerId, command, timeoutMs)
        .then((r) => ({ ok: r.exitCode === 0, output: cut(r.stdout + r.stderr) }))
        .catch((error: Error) => ({ ok: false, output: error.message }));
      return await Promise.race([exec, limit]);
    }
    if (handler.httpGet) {
      const get = handler.httpGet;
      const port = portNumber(container, get.port);
      if (port === undefined) return { ok: false, output: `couldn't find port: ${get.port}` };
      const path = get.path ?? "/";
      const { status, body } = await client.http({
        scheme: (get.scheme ?? "HTTP").toLowerCase() === "https" ? "https" : "http",
        host: get.host || podIP,
        port,
        path: path.startsWith("/") ? path : `/${path}`,
        headers: headersOf(get),
        timeoutMs,
      });
      if (status >= 200 && status < 400) return { ok: true, output: cut(body) };
      return { ok: false, output: `HTTP probe failed with statuscode: ${status}` };
    }
    if (handler.tcpSocket) {
      const port = portNumber(container, handler.tcpSocket.port);
      if (port === undefined) return { ok: false, output: `couldn't find port: ${handler.tcpSocket.port}` };
      await client.tcp(handler.tcpSocket.host || podIP, port, timeoutMs);
      return { ok: true, output: "" };
    }
    if (handler.grpc) {
      const status = await client.grpc(podIP, handler.grpc.port, handler.grpc.service ?? "", timeoutMs);
      if (status === "SERVING") return { ok: true, output: "service healthy" };
      return { ok: false, output: `service unhealthy (responded with "${status}")` };
    }
    if (handler.sleep) {
      const seconds = handler.sleep.seconds;
      await new Promise((resolve) => setTimeout(resolve, Math.min(seconds * 1000, timeoutMs)));
      return { ok: true, output: "" };
    }
    return { ok: false, output: "missing probe handler" };
  } catch (error) {
    return { ok: false, output: (error as Error).message };
  }
}
