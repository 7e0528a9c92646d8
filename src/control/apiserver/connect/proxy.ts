// pods/NAME/proxy, services/NAME/proxy and nodes/NAME/proxy: one HTTP request or upgrade, passed to the pod, to a ready pod
// of the service, or to the node, and its answer back. Specification: apimachinery's UpgradeAwareHandler and Transport.

import type { IncomingMessage } from "node:http";
import { badRequest, failure } from "../../../core/api/status.ts";
import { dialErrorMessage } from "../../../core/net/mod.ts";
import type { Upgrades } from "../../client/mod.ts";
import type { ConnectContext } from "../connect.ts";
import { type KubeletTls, requestOutgoing } from "./outgoing.ts";
import { passAnswer } from "./proxy-answer.ts";
import { findBackend } from "./proxy-backend.ts";
import { backendHeaders, forwardedFor } from "./proxy-headers.ts";

export interface ProxyServices {
  upgrades: Upgrades;
  tls: KubeletTls;
}

/** Proxies in a row after which a request is taken for one that goes in circles. */
const maxHops = 12;
/** Milliseconds that a backend may take until its response begins. */
const answerTimeout = 5 * 60_000;

const proxyPath = /^(\/api\/v1\/(?:namespaces\/[^/]+\/)?[^/]+\/[^/]+\/proxy)(\/.*)?$/;

/** The path up to `/proxy`, what follows it (still escaped), and the query with its question mark. */
function splitPath(request: IncomingMessage): { prefix: string; rest: string; search: string } {
  const url = new URL(request.url ?? "/", "http://server");
  const m = proxyPath.exec(url.pathname);
  if (!m) throw badRequest("the request's path cannot be read");
  return { prefix: m[1]!, rest: m[2] ?? "", search: url.search };
}

export async function serveProxy(context: ConnectContext, given: ProxyServices): Promise<void> {
  const { request, upgrade } = context;
  const { prefix, rest, search } = splitPath(request);
  if (forwardedFor(request).split(",").length > maxHops)
    throw failure(
      508,
      "LoopDetected",
      `the request went through more than ${maxHops} proxies: it goes in circles`,
    );
  const backend = await findBackend(context, given.tls);
  const unreachable = (error: unknown): Error =>
    failure(
      503,
      "ServiceUnavailable",
      `error trying to reach service: ${dialErrorMessage(error, backend.host)}`,
    );
  const url = `${backend.origin}${rest === "" ? "/" : rest}${search}`;

  if (upgrade) {
    try {
      const headers = { "x-forwarded-for": forwardedFor(request) };
      await given.upgrades.relay(
        { request, ...upgrade },
        { url, tls: backend.tls, verify: backend.tls !== undefined },
        headers,
      );
    } catch (error) {
      if (!upgrade.socket.destroyed) throw unreachable(error);
    }
    return;
  }
  const response = context.response!;
  const method = request.method ?? "GET";
  if (rest === "" && (method === "GET" || method === "HEAD")) {
    response.writeHead(301, { location: `${prefix}/${search}` }).end();
    return;
  }
  const stop = new AbortController();
  response.on("close", () => stop.abort());
  const place = { backendHost: backend.host, requestHost: request.headers.host ?? "", prefix };
  const headers = backendHeaders(request, `${prefix}${rest}`);
  // The kubelet's certificate is checked against its own address, not against the name that the client called.
  if (backend.tls) delete headers.host;
  const hasBody =
    request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  let answer: IncomingMessage;
  try {
    answer = await requestOutgoing({
      method,
      url,
      headers,
      tls: backend.tls,
      body: hasBody ? request : undefined,
      timeoutMs: answerTimeout,
      signal: stop.signal,
    });
  } catch (error) {
    if (stop.signal.aborted) return;
    throw unreachable(error);
  }
  // Once the answer began, a broken side can only be told by breaking the other.
  await passAnswer(answer, response, place).catch(() => {
    answer.destroy();
    response.destroy();
  });
}
