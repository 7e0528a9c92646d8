// Listens on health check node ports: one HTTP server a port, opened and closed as Services come and go.
import { createServer, type Server } from "node:http";
import type { HealthAnswer, HealthPorts } from "../../agents/proxy/mod.ts";

/** `onError` is told when a port cannot be listened on; the other ports are unaffected. */
export function createHealthPorts(onError: (port: number, error: Error) => void): HealthPorts {
  const servers = new Map<number, { server: Server; answer: () => HealthAnswer }>();

  function close(port: number): void {
    const s = servers.get(port);
    servers.delete(port);
    s?.server.close();
    s?.server.closeAllConnections();
  }

  return {
    serve(ports) {
      for (const port of [...servers.keys()]) if (!ports.has(port)) close(port);
      for (const [port, answer] of ports) {
        const there = servers.get(port);
        if (there) {
          there.answer = answer;
          continue;
        }
        const entry = { answer, server: createServer() };
        entry.server
          .on("request", (_, response) => {
            const { status, headers, body } = entry.answer();
            response.writeHead(status, headers).end(body);
          })
          .on("error", (error) => {
            servers.delete(port);
            onError(port, error);
          });
        entry.server.requestTimeout = 10_000;
        entry.server.listen(port);
        servers.set(port, entry);
      }
    },
    close() {
      for (const port of [...servers.keys()]) close(port);
    },
  };
}
