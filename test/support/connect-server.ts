// The API server's request path, as far as streams and proxies need it: an HTTPS server on loopback in front of connect
// handlers, with objects that stand still.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectHandlers } from "../../src/control/apiserver/mod.ts";
import type { KubeClient } from "../../src/control/client/mod.ts";
import { internalError, notFound, StatusError } from "../../src/core/api/status.ts";
import type { KubeObject } from "../../src/core/api/types.ts";

/** A client over objects named `resource/name`; lists are all objects of the resource. */
export function standingClient(objects: ReadonlyMap<string, object>): KubeClient {
  return {
    async get(ref: { resource: string }, name: string) {
      const found = objects.get(`${ref.resource}/${name}`);
      if (!found) throw notFound({ group: "", resource: ref.resource }, name);
      return found;
    },
    async list(ref: { resource: string }) {
      const items = [...objects].filter(([key]) => key.startsWith(`${ref.resource}/`)).map(([, o]) => o);
      return {
        apiVersion: "v1",
        kind: "List",
        metadata: { resourceVersion: "1" },
        items: items as KubeObject[],
      };
    },
  } as unknown as KubeClient;
}

const urlPath = /^\/api\/v1\/(?:namespaces\/([^/]+)\/)?([^/]+)\/([^/]+)\/([^/]+)(\/.*)?$/;

export async function startConnectServer(
  serving: { cert: string; key: string },
  handlers: ConnectHandlers,
  client: KubeClient,
): Promise<{ port: number; close(): void }> {
  const serve = async (
    request: IncomingMessage,
    response: ServerResponse | undefined,
    upgrade: { socket: Duplex; head: Buffer } | undefined,
  ): Promise<void> => {
    const [path, search = ""] = request.url!.split("?") as [string, string?];
    const [, namespace, resource = "", name = "", subresource = "", subpath = ""] = urlPath.exec(path) ?? [];
    try {
      await handlers[`${resource}/${subresource}`]!({
        request,
        response,
        upgrade,
        resource,
        subresource,
        namespace,
        name: decodeURIComponent(name),
        subpath,
        query: new URLSearchParams(search),
        client,
      });
    } catch (error) {
      const { status, code } = error instanceof StatusError ? error : internalError(String(error));
      const body = JSON.stringify(status);
      if (response) response.writeHead(code, { "content-type": "application/json" }).end(body);
      else upgrade!.socket.end(`HTTP/1.1 ${code} X\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    }
  };
  const server = createServer(serving);
  server.on("request", (request, response) => void serve(request, response, undefined));
  server.on("upgrade", (request, socket, head) => void serve(request, undefined, { socket, head }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
