// /livez, /readyz, /healthz: checks by name, all at once or one by one (apiserver healthz).
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerText } from "./representation/mod.ts";

export interface HealthCheck {
  name: string;
  /** Why it fails, or undefined. */
  check(): string | undefined;
  /** Only for readiness: a server that is starting lives but is not ready. */
  readyOnly?: boolean;
}

/** Answers `/livez`, `/readyz/ping`, … ; false when the path names no check. */
export function answerHealth(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: URLSearchParams,
  checks: readonly HealthCheck[],
): boolean {
  const m = /^\/(healthz|livez|readyz)(?:\/(.+))?$/.exec(path);
  if (!m) return false;
  const endpoint = m[1]!;
  const relevant = checks.filter((c) => !c.readyOnly || endpoint === "readyz");
  if (m[2] !== undefined) {
    const one = relevant.find((c) => c.name === m[2]);
    if (!one) return false;
    const why = one.check();
    answerText(
      res,
      why === undefined ? 200 : 500,
      why === undefined ? "ok" : `internal server error: ${why}\n`,
    );
    return true;
  }
  const excluded = new Set(query.getAll("exclude"));
  const lines: string[] = [];
  const failed: string[] = [];
  for (const c of relevant) {
    if (excluded.has(c.name)) {
      lines.push(`[+]${c.name} excluded: ok`);
      continue;
    }
    const why = c.check();
    if (why === undefined) lines.push(`[+]${c.name} ok`);
    else {
      failed.push(c.name);
      lines.push(`[-]${c.name} failed: reason withheld`);
    }
  }
  if (failed.length > 0) answerText(res, 500, `${lines.join("\n")}\n${endpoint} check failed\n`);
  else if (query.has("verbose")) answerText(res, 200, `${lines.join("\n")}\n${endpoint} check passed\n`);
  else answerText(res, 200, "ok");
  void req;
  return true;
}
