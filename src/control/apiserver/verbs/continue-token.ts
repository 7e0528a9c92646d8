// Where a list that was cut by `limit` goes on: the revision it shows and the last key it gave
// (apiserver storage/continue.go; API concepts, "Retrieving large results sets in chunks").
import { badRequest, type StatusError } from "../../../core/api/status.ts";

export interface ContinueToken {
  /** The revision that all pages show; -1: whatever is newest (after that revision expired). */
  revision: number;
  /** Last key given, without the list's prefix. */
  after: string;
}

export function printContinue(token: ContinueToken): string {
  const json = JSON.stringify({ v: "meta.k8s.io/v1", rv: token.revision, start: token.after });
  return Buffer.from(json).toString("base64url");
}

const refused = (why: string): StatusError =>
  badRequest(`invalid continue token: continue key is not valid${why}`);

export function parseContinue(text: string): ContinueToken {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    throw refused(": not base64 or not JSON");
  }
  const { v, rv, start } = (value ?? {}) as Record<string, unknown>;
  if (v !== "meta.k8s.io/v1") throw refused(`: server does not recognize this encoded version ${v ?? ""}`);
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0 || rv < -1)
    throw refused(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (typeof start !== "string" || start === "")
    throw refused(": encoded start key empty (version meta.k8s.io/v1)");
  if (start.split("/").includes("..")) throw refused(`: ${start}`);
  return { revision: rv, after: start };
}
