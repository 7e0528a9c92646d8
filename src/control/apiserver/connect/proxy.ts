// pods/NAME/proxy, services/NAME/proxy and nodes/NAME/proxy: one HTTP request or upgrade, passed to the pod, to a ready pod
// of the service, or to the node, and its answer back. Specification: apimachinery's UpgradeAwareHandler and Transport.
import { randomInt } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { endpointSlices, pods, services } from "../../../core/api/refs.ts";
import { badRequest, failure, isNotFound } from "../../../core/api/status.ts";
import type { Upgrades } from "../../client/mod.ts";
import type { ConnectContext } from "../connect.ts";
import { dialErrorMessage } from "./dial-error.ts";
import { type ProxyPlace, rewriteHtml, rewriteLink } from "./link-rewriting.ts";
import { findKubelet, joinHostPort } from "./node-address.ts";
import { type KubeletTls, requestOutgoing } from "./outgoing.ts";
import { isProxyableAddress } from "./proxied-address.ts";
import { splitSchemeNamePort } from "./scheme-name-port.ts";
import { endpointChoices, noEndpoints, servicePortName } from "./service-endpoint.ts";

export interface ProxyServices {
  upgrades: Upgrades;
  tls: KubeletTls;
}

interface Backend {
  /** `http://10.0.0.1:80`, without path. */
  origin: string;
  host: string;
  tls?: KubeletTls | undefined;
}

/** Pages larger than this pass as they are. */
const maxPage = 4 * 2 ** 20;
/** Proxies in a row after which a request is taken for one that goes in circles. */
const maxHops = 12;
/** Milliseconds that a backend may take until its response begins. */
const answerTimeout = 5 * 60_000;

/** Headers of one connection (RFC 9110 section 7.6.1), and the login, which is for the API server alone. */
const hopHeaders = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "authorization",
]);
const corsHeaders = new Set([
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
]);

async function podBackend(context: ConnectContext): Promise<Backend> {
  const { client, namespace, name: id } = context;
  const split = splitSchemeNamePort(id);
  if (!split) throw badRequest(`invalid pod request ${JSON.stringify(id)}`);
  const pod = await client.get(pods, split.name, { namespace });
  let { port } = split;
  if (port === "") {
    const first = (pod.spec?.containers ?? []).find((c) => (c.ports ?? []).length > 0)?.ports?.[0];
    if (first) port = String(first.containerPort);
  }
  const ip = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "";
  if (!isProxyableAddress(ip)) throw badRequest("address not allowed");
  return backendAt(split.scheme, ip, port);
}

function backendAt(scheme: string, ip: string, port: string, tls?: KubeletTls): Backend {
  const named = scheme === "" ? "http" : scheme;
  const host = port === "" ? (ip.includes(":") ? `[${ip}]` : ip) : joinHostPort(ip, port);
  // A port's name cannot be dialled; Go fails to look it up.
  if (port !== "" && !(/^\d+$/.test(port) && Number(port) <= 65535))
    throw failure(
      503,
      "ServiceUnavailable",
      `error trying to reach service: dial tcp: lookup tcp/${port}: unknown port`,
    );
  return { origin: `${named}://${host}`, host, tls };
}

async function serviceBackend(context: ConnectContext): Promise<Backend> {
  const { client, namespace, name: id } = context;
  const split = splitSchemeNamePort(id);
  if (!split) throw badRequest(`invalid service request ${JSON.stringify(id)}`);
  const service = await client.get(services, split.name, { namespace });
  const portName = servicePortName(service, split.port);
  if (typeof portName !== "string") throw portName;
  const slices = await client.list(endpointSlices, {
    namespace,
    labelSelector: `kubernetes.io/service-name=${split.name}`,
  });
  for (const choice of endpointChoices(slices.items, portName, randomInt(2 ** 30) / 2 ** 30)) {
    const pod = await client.get(pods, choice.pod, { namespace }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    // A slice may be older than the pod's address: only an address that the pod has is dialled.
    const ips = (pod?.status?.podIPs ?? []).map((ip) => ip.ip);
    if (ips.includes(choice.host) && isProxyableAddress(choice.host))
      return backendAt(split.scheme, choice.host, String(choice.port));
  }
  throw noEndpoints(id);
}

async function nodeBackend(context: ConnectContext, tls: KubeletTls): Promise<Backend> {
  const split = splitSchemeNamePort(context.name);
  if (!split) throw badRequest(`invalid node request ${JSON.stringify(context.name)}`);
  const { host, port } = await findKubelet(context.client, split.name);
  if (split.port === "" || split.port === String(port)) return backendAt("https", host, String(port), tls);
  if (!isProxyableAddress(host)) throw badRequest("address not allowed");
  return backendAt(split.scheme, host, split.port);
}

const proxyPath = /^(\/api\/v1\/(?:namespaces\/[^/]+\/)?[^/]+\/[^/]+\/proxy)(\/.*)?$/;

/** The path up to `/proxy`, what follows it (still escaped), and the query with its question mark. */
function splitPath(request: IncomingMessage): { prefix: string; rest: string; search: string } {
  const url = new URL(request.url ?? "/", "http://server");
  const m = proxyPath.exec(url.pathname);
  if (!m) throw badRequest("the request's path cannot be read");
  return { prefix: m[1]!, rest: m[2] ?? "", search: url.search };
}

function backendHeaders(request: IncomingMessage, uri: string): Record<string, string | string[]> {
  const dropped = new Set(
    (request.headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()),
  );
  const headers: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(request.headersDistinct))
    if (values && !hopHeaders.has(name) && !dropped.has(name))
      headers[name] = values.length === 1 ? values[0]! : values;
  // Said by us for every method: Node frames a body of unknown length by itself only where bodies are usual.
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  headers["x-forwarded-for"] = forwardedFor(request);
  headers["x-forwarded-uri"] = uri;
  return headers;
}

function forwardedFor(request: IncomingMessage): string {
  const from = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "unknown";
  const before = request.headersDistinct["x-forwarded-for"]?.join(", ");
  return before ? `${before}, ${from}` : from;
}

const codecs: Record<string, { decode(data: Buffer): Buffer; encode(data: Buffer): Buffer }> = {
  "": { decode: (d) => d, encode: (d) => d },
  gzip: { decode: (d) => gunzipSync(d, { maxOutputLength: maxPage * 8 }), encode: (d) => gzipSync(d) },
  deflate: {
    decode: (d) => inflateRawSync(d, { maxOutputLength: maxPage * 8 }),
    encode: (d) => deflateRawSync(d),
  },
};

/** The page with its links rewritten, or the bytes as they came when that cannot be done. */
function rewritePage(page: Buffer, encoding: string, place: ProxyPlace): Buffer {
  try {
    const codec = codecs[encoding]!;
    // Latin-1 keeps every byte; tags and links are ASCII in every encoding that pages are served in.
    const text = codec.decode(page).toString("latin1");
    return codec.encode(Buffer.from(rewriteHtml(text, place), "latin1"));
  } catch {
    return page;
  }
}

async function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  place: ProxyPlace,
): Promise<void> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(answer.headersDistinct))
    if (values && !hopHeaders.has(name) && !corsHeaders.has(name))
      headers[name] = values.length === 1 ? values[0]! : values;
  const { location } = answer.headers;
  if (location) headers.location = rewriteLink(location, place);
  const code = answer.statusCode ?? 502;
  const type = (answer.headers["content-type"] ?? "").split(";")[0]!.trim();
  const encoding = answer.headers["content-encoding"] ?? "";
  const hasBody = response.req.method !== "HEAD" && code !== 204 && code !== 304;
  if (location || type !== "text/html" || !Object.hasOwn(codecs, encoding) || !hasBody) {
    response.writeHead(code, answer.statusMessage || undefined, headers);
    // Whoever waits for the first event of a stream must see that it began.
    response.flushHeaders();
    await pipeline(answer, response);
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const iterator = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > maxPage) break;
  }
  if (size > maxPage) {
    response.writeHead(code, answer.statusMessage || undefined, headers);
    await pipeline(async function* () {
      yield* chunks;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    }, response);
    return;
  }
  const page = rewritePage(Buffer.concat(chunks), encoding, place);
  response.writeHead(code, answer.statusMessage || undefined, {
    ...headers,
    "content-length": String(page.length),
  });
  response.end(page);
}

async function findBackend(context: ConnectContext, { tls }: ProxyServices): Promise<Backend> {
  if (context.resource === "services") return serviceBackend(context);
  if (context.resource === "nodes") return nodeBackend(context, tls);
  return podBackend(context);
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
  const backend = await findBackend(context, given);
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
  const place: ProxyPlace = { backendHost: backend.host, requestHost: request.headers.host ?? "", prefix };
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
