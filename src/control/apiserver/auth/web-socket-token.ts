// The bearer token of a browser, which cannot set headers on a WebSocket: it travels among the subprotocols, and is taken out
// of them before anyone else sees it (apiserver's websocket authenticator).

const prefix = "base64url.bearer.authorization.k8s.io.";

export interface SplitProtocols {
  token: string;
  /** The other subprotocols, as a header. */
  rest: string;
}

/** undefined: no token among them, or nothing that could be one. Kubernetes wants a subprotocol beside it. */
export function splitBearerToken(header: string): SplitProtocols | undefined {
  const names = header.split(",").map((name) => name.trim());
  const tokens = names.filter((name) => name.startsWith(prefix));
  const rest = names.filter((name) => name !== "" && !name.startsWith(prefix));
  const [encoded] = tokens;
  if (tokens.length !== 1 || rest.length === 0 || encoded === undefined) return undefined;
  const text = encoded.slice(prefix.length);
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  const token = Buffer.from(text, "base64url").toString("utf8");
  return /^\S+$/.test(token) ? { token, rest: rest.join(", ") } : undefined;
}
