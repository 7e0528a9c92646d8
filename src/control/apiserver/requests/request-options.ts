// What a request says beside its path and body: the query's options, read strictly, and who writes.
import type { IncomingMessage, ServerResponse } from "node:http";
import { managerOf } from "../../../core/api/apply/mod.ts";
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { badRequest } from "../../../core/api/status.ts";
import type { FieldValidation, UserInfo, WriteContext } from "../context.ts";
import type { ListQuery } from "../verbs/mod.ts";
import { patchTypeOf } from "./patch-type.ts";
import type { RequestInfo } from "./request-info.ts";
import { checkWriteOptions } from "./write-options.ts";

export interface ResourceRequest {
  req: IncomingMessage;
  res: ServerResponse;
  info: RequestInfo;
  query: URLSearchParams;
  user: UserInfo;
}

/** As Go's strconv.ParseBool would have it, and anything else for true. */
export const truthy = (v: string | null): boolean => v !== null && v !== "" && v !== "false" && v !== "0";

/** Undefined: not given. */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  return text === null || text === "" ? undefined : truthy(text);
}

/** Throws StatusError 400 for what is no whole number. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d{1,15}$/.test(text))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

export function listQuery(query: URLSearchParams, namespace: string | undefined): ListQuery {
  return {
    namespace,
    labelSelector: query.get("labelSelector") ?? undefined,
    fieldSelector: query.get("fieldSelector") ?? undefined,
    limit: integer(query, "limit"),
    continue: query.get("continue") ?? undefined,
    resourceVersion: query.get("resourceVersion") ?? undefined,
    resourceVersionMatch: query.get("resourceVersionMatch") ?? undefined,
    sendInitialEvents: flag(query, "sendInitialEvents"),
  };
}

/** RFC 7234 5.5: code 299, no agent, the text quoted. */
export const warningLine = (text: string): string =>
  `299 - "${text.replace(/[\\"]/g, "\\$&").replace(/[^\x20-\x7e]/g, "?")}"`;

export function writeContext(
  { req, res, query, user }: ResourceRequest,
  def: Pick<ResourceDefinition, "deprecation">,
): WriteContext {
  const patchType = req.method === "PATCH" ? patchTypeOf(req.headers["content-type"]) : undefined;
  checkWriteOptions(req.method ?? "", query, patchType);
  const validation = query.get("fieldValidation") ?? "";
  const warnings = new Set<string>(def.deprecation ? [def.deprecation] : []);
  return {
    user,
    dryRun: query.getAll("dryRun").includes("All"),
    fieldManager: managerOf(query.get("fieldManager"), req.headers["user-agent"]),
    fieldValidation: (validation || "Warn") as FieldValidation,
    warn(text) {
      if (warnings.size >= 50) return;
      warnings.add(text);
      if (!res.headersSent) res.setHeader("Warning", [...warnings].map(warningLine));
    },
  };
}
