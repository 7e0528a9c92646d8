// Which headers a proxy passes on, and what it adds to them.
import type { IncomingMessage } from "node:http";

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

type Headers = Record<string, string | string[]>;

/** Distinct values stay distinct: cookies cannot be joined. */
function copy(from: NodeJS.Dict<string[]>, skip: (name: string) => boolean): Headers {
  const headers: Headers = {};
  for (const [name, values] of Object.entries(from))
    if (values && !skip(name)) headers[name] = values.length === 1 ? values[0]! : values;
  return headers;
}

/** Every address that the request came through, the client's own last. */
export function forwardedFor(request: IncomingMessage): string {
  const from = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "unknown";
  const before = request.headersDistinct["x-forwarded-for"]?.join(", ");
  return before ? `${before}, ${from}` : from;
}

/** What the backend is told. `uri` is the path that the client asked the API server for. */
export function backendHeaders(request: IncomingMessage, uri: string): Headers {
  const named = (request.headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const headers = copy(request.headersDistinct, (name) => hopHeaders.has(name) || named.includes(name));
  // Said by us for every method: Node frames a body of unknown length by itself only where bodies are usual.
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  headers["x-forwarded-for"] = forwardedFor(request);
  headers["x-forwarded-uri"] = uri;
  return headers;
}

/** What the client is told of the backend's headers: whom to trust with it is the API server's to say. */
export function answerHeaders(answer: IncomingMessage): Headers {
  return copy(answer.headersDistinct, (name) => hopHeaders.has(name) || corsHeaders.has(name));
}
