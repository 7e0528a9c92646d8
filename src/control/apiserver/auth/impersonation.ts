// `kubectl --as`: a known user asks as somebody else (API concepts, "User impersonation"). Whoever may do everything may do
// this, too.
import type { IncomingHttpHeaders } from "node:http";
import { badRequest } from "../../../core/api/status.ts";
import type { UserInfo } from "../context.ts";

const extraPrefix = "impersonate-extra-";
const serviceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/;

const list = (v: string | string[] | undefined): string[] =>
  v === undefined ? [] : (Array.isArray(v) ? v : v.split(",")).map((s) => s.trim()).filter((s) => s !== "");

/** Groups that follow from a name alone. */
function impliedGroups(name: string): string[] {
  const account = serviceAccount.exec(name);
  return account ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : [];
}

function extraOf(headers: IncomingHttpHeaders): UserInfo["extra"] {
  const extra: UserInfo["extra"] = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(extraPrefix)) continue;
    let key = name.slice(extraPrefix.length);
    try {
      key = decodeURIComponent(key);
    } catch {
      // Not escaped: taken as it is.
    }
    Object.defineProperty(extra, key, { value: list(value), enumerable: true });
  }
  return extra;
}

/** Whom the request is made as; undefined when it is made as nobody else. Throws StatusError 400. */
export function impersonated(headers: IncomingHttpHeaders): UserInfo | undefined {
  const [name] = list(headers["impersonate-user"]);
  const groups = list(headers["impersonate-group"]);
  const uid = list(headers["impersonate-uid"])[0] ?? "";
  if (name === undefined) {
    if (groups.length === 0 && uid === "") return undefined;
    throw badRequest("requested groups or a uid without impersonating a user");
  }
  const extra = extraOf(headers);
  const known = name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  const all = [...(groups.length > 0 ? groups : impliedGroups(name)), known];
  return { name, uid, groups: [...new Set(all)], extra };
}
