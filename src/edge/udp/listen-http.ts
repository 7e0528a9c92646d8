// A few plain pages: health, readiness, metrics.
import { once } from "node:events";
import { createServer } from "node:http";
import type { DnsSockets } from "../../agents/dns/mod.ts";

export const listenHttp: DnsSockets["listenHttp"] = async (at, handler) => {
  const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 5000 }, (request, response) => {
    request.resume();
    const page = request.method === "GET" ? handler((request.url ?? "").split("?")[0]!) : undefined;
    response.writeHead(page?.status ?? 404, { "content-type": page?.type ?? "text/plain; charset=utf-8" });
    response.end(page?.body ?? "404 page not found\n");
  });
  server.listen({ host: at.address, port: at.port });
  await once(server, "listening");
  const bound = server.address() as { address: string; port: number };
  return {
    at: { address: bound.address, port: bound.port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
