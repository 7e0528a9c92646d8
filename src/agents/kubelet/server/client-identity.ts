// Who may ask a node's server: the API server's own client certificate, or anyone of the masters group.
import type { TLSSocket } from "node:tls";

export type Identity =
  | { kind: "anonymous" }
  | { kind: "user"; name: string; groups: string[]; allowed: boolean };

/** The user that a verified client certificate names (CN) and its groups (O). */
export function identify(socket: Pick<TLSSocket, "authorized" | "getPeerCertificate">): Identity {
  if (!socket.authorized) return { kind: "anonymous" };
  const subject = socket.getPeerCertificate()?.subject as unknown as
    | Record<string, string | string[] | undefined>
    | undefined;
  const list = (value: string | string[] | undefined): string[] =>
    value === undefined ? [] : Array.isArray(value) ? value : [value];
  const name = list(subject?.CN)[0] ?? "";
  const groups = list(subject?.O);
  const allowed = name === "kube-apiserver-kubelet-client" || groups.includes("system:masters");
  return { kind: "user", name, groups, allowed };
}
