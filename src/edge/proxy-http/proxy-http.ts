// kube-proxy's two HTTP ports: health on 10256, metrics on 10249.
import { createServer, type Server } from "node:http";
import type { ServiceProxy } from "../../agents/proxy/mod.ts";

export interface ProxyHttpOptions {
  proxy: Pick<ServiceProxy, "healthz" | "metrics">;
  /** Default 10256 on every address. */
  healthPort?: number;
  /** Default 10249 on 127.0.0.1. */
  metricsPort?: number;
  onError(error: Error): void;
}

function listen(server: Server, port: number, host: string | undefined, o: ProxyHttpOptions): Server {
  server.requestTimeout = 10_000;
  return server.on("error", o.onError).listen(port, host);
}

/** Serves until `close`. A port that is taken is told to `onError`; the proxy itself works on. */
export function serveProxyHttp(options: ProxyHttpOptions): { close(): void } {
  const { proxy } = options;
  const health = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (path !== "/healthz" && path !== "/livez") {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
      return;
    }
    const { status, headers, body } = proxy.healthz(path === "/livez" ? "livez" : "healthz");
    response.writeHead(status, headers).end(body);
  });
  const metrics = createServer((request, response) => {
    const text = (code: number, type: string, body: string): void => {
      response.writeHead(code, { "content-type": type }).end(body);
    };
    const plain = "text/plain; charset=utf-8";
    const path = (request.url ?? "/").split("?")[0];
    if (path === "/metrics") text(200, "text/plain; version=0.0.4; charset=utf-8", proxy.metrics());
    else if (path === "/healthz") text(200, plain, "ok");
    else if (path === "/proxyMode") text(200, plain, "nftables");
    else text(404, plain, "404 page not found\n");
  });
  const servers = [
    listen(health, options.healthPort ?? 10256, undefined, options),
    listen(metrics, options.metricsPort ?? 10249, "127.0.0.1", options),
  ];
  return {
    close() {
      for (const s of servers) {
        s.close();
        s.closeAllConnections();
      }
    },
  };
}
