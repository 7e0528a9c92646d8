// As whom a request is made, and what may be asked without saying who one is.
import type { IncomingMessage } from "node:http";
import { failure } from "../../../core/api/status.ts";
import type { UserInfo } from "../context.ts";
import { impersonated } from "./impersonation.ts";

const openPaths = /^\/(healthz|livez|readyz|version)(\/|$)/;

export const isAnonymous = (user: UserInfo): boolean => user.groups.includes("system:unauthenticated");

/** Whether everybody may ask this. */
export const isOpen = (path: string): boolean => openPaths.test(path);

/** The caller, or whom the caller asks to be taken for. Throws StatusError 403. */
export function asWhom(req: IncomingMessage, caller: UserInfo, path: string): UserInfo {
  const other = isAnonymous(caller) ? undefined : impersonated(req.headers);
  if (other && isAnonymous(other) && !isOpen(path)) {
    const verb = (req.method ?? "GET").toLowerCase();
    throw failure(403, "Forbidden", `forbidden: User "${other.name}" cannot ${verb} path "${path}"`, {});
  }
  return other ?? caller;
}
