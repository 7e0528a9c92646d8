// Writing answers: bytes, objects, and the Status of a refusal.
import type { IncomingMessage, ServerResponse } from "node:http";
import { stringify } from "yaml";
import { internalError, type Status, StatusError, tooManyRequests } from "../../../core/api/status.ts";
import { StoreUnavailable } from "../../store/mod.ts";

const newline = Buffer.from("\n");

/** Headers that every answer carries. */
const common = { "Cache-Control": "no-cache, private" };

export function answerBytes(res: ServerResponse, code: number, contentType: string, body: Buffer): void {
  res.writeHead(code, { ...common, "Content-Type": contentType, "Content-Length": body.length });
  res.end(body);
}

/** People reading with a browser or curl get indented JSON, as from Kubernetes. */
function wantsPretty(req: IncomingMessage): boolean {
  const url = req.url ?? "";
  const asked = /[?&]pretty(?:=([^&]*))?(?:&|$)/.exec(url);
  if (asked) return asked[1] !== "false" && asked[1] !== "0";
  return /^(curl|Wget|Mozilla\/5\.0)/.test(req.headers["user-agent"] ?? "");
}

export function answerJson(req: IncomingMessage, res: ServerResponse, code: number, value: unknown): void {
  const text = wantsPretty(req) ? JSON.stringify(value, null, 2) : JSON.stringify(value);
  answerBytes(res, code, "application/json", Buffer.from(`${text}\n`));
}

/** The stored bytes of one object, as they are. */
export function answerStored(req: IncomingMessage, res: ServerResponse, code: number, bytes: Buffer): void {
  if (wantsPretty(req)) answerJson(req, res, code, JSON.parse(bytes.toString()));
  else answerBytes(res, code, "application/json", Buffer.concat([bytes, newline]));
}

export function answerObject(
  req: IncomingMessage,
  res: ServerResponse,
  code: number,
  media: string,
  value: unknown,
): void {
  if (media === "application/yaml") answerBytes(res, code, media, Buffer.from(stringify(value)));
  else answerJson(req, res, code, value);
}

export function answerText(res: ServerResponse, code: number, text: string): void {
  const body = Buffer.from(text);
  res.writeHead(code, {
    ...common,
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": body.length,
  });
  res.end(body);
}

/** Any error as the Status that answers it. */
export function statusOf(error: unknown): Status {
  if (error instanceof StatusError) return error.status;
  if (error instanceof StoreUnavailable)
    return error.busy ? tooManyRequests(error.message, 1).status : internalError(error.message).status;
  return internalError(error instanceof Error ? error.message : String(error)).status;
}

export function answerError(req: IncomingMessage, res: ServerResponse, error: unknown): void {
  const status = statusOf(error);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const code = status.code ?? 500;
  const retry = status.details?.retryAfterSeconds;
  if (retry !== undefined) res.setHeader("Retry-After", String(retry));
  // The rest of a body that nobody reads would be taken for the next request.
  if (!req.complete) res.setHeader("Connection", "close");
  answerJson(req, res, code, status);
}
