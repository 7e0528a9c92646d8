// Who asks: a client certificate of the cluster's CA, a service account's token, or nobody (API concepts, "Authentication").
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { unauthorized } from "../../../core/api/status.ts";
import type { UserInfo } from "../context.ts";
import { splitBearerToken } from "./web-socket-token.ts";

export const anonymous: UserInfo = {
  name: "system:anonymous",
  uid: "",
  groups: ["system:unauthenticated"],
  extra: {},
};

/** undefined: not a token that this verifier knows, or not valid any more. */
export type TokenVerifier = (token: string) => Promise<UserInfo | undefined>;

const list = (v: string | string[] | undefined): string[] =>
  v === undefined ? [] : Array.isArray(v) ? v : [v];

/** Common name is the user, each organization a group; undefined without a name. */
function readSubject(socket: TLSSocket): UserInfo | undefined {
  const subject = socket.getPeerCertificate().subject as
    | { CN?: string | string[]; O?: string | string[] }
    | undefined;
  const name = list(subject?.CN)[0];
  if (!name) return undefined;
  return { name, uid: "", groups: [...list(subject?.O), "system:authenticated"], extra: {} };
}

const maxKnownCertificates = 1000;

/**
 * The user of a connection whose certificate the CA signed. Reading a certificate's fields costs more than serving the
 * request, so each certificate's is done once: the same bytes name the same user.
 */
function createCertificateReader(): (socket: TLSSocket) => UserInfo | undefined {
  const known = new Map<string, UserInfo | undefined>();
  return (socket) => {
    const certificate = socket.authorized === true ? socket.getPeerX509Certificate() : undefined;
    if (!certificate) return undefined;
    const bytes = certificate.raw.toString("latin1");
    if (!known.has(bytes)) {
      if (known.size >= maxKnownCertificates) known.clear();
      known.set(bytes, readSubject(socket));
    }
    return known.get(bytes);
  };
}

export function createAuthenticator(
  verifyToken: TokenVerifier,
): (req: IncomingMessage) => UserInfo | Promise<UserInfo> {
  const bySocket = new WeakMap<object, UserInfo | null>();
  const certificateUser = createCertificateReader();

  async function byToken(header: string): Promise<UserInfo> {
    const m = /^Bearer\s+(\S+)\s*$/i.exec(header);
    if (!m) return anonymous;
    const user = await verifyToken(m[1]!);
    if (!user) throw unauthorized();
    return user;
  }

  return (req) => {
    let user = bySocket.get(req.socket);
    if (user === undefined) {
      user = "authorized" in req.socket ? (certificateUser(req.socket as TLSSocket) ?? null) : null;
      bySocket.set(req.socket, user);
    }
    if (user) return user;
    const { authorization } = req.headers;
    if (authorization) return byToken(authorization);
    const split = splitBearerToken(req.headers["sec-websocket-protocol"] ?? "");
    if (!split || req.headers.upgrade?.toLowerCase() !== "websocket") return anonymous;
    // Both forms: streams are passed on with the headers as they came, and the token is for this server alone.
    req.headersDistinct["sec-websocket-protocol"] = [split.rest];
    req.headers["sec-websocket-protocol"] = split.rest;
    return byToken(`Bearer ${split.token}`);
  };
}
