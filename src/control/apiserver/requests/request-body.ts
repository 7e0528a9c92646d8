// Reading a request's body with a bound on its size and on how long it may take, and on what all bodies together may hold.
import type { IncomingMessage } from "node:http";
import { badRequest, failure, tooManyRequests } from "../../../core/api/status.ts";

/** Kubernetes' limit for a body of a resource request. */
const bodyLimit = 3 << 20;
const timeLimit = 30_000;
const totalLimit = 256 << 20;
let held = 0;

/** Throws StatusError 413 when it is too large, 400 when it ends early. */
export async function readBody(req: IncomingMessage, limit = bodyLimit): Promise<Buffer> {
  const tooLarge = () => failure(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limit}`);
  if (Number(req.headers["content-length"] ?? 0) > limit) {
    drop(req);
    throw tooLarge();
  }
  if (held > totalLimit) {
    drop(req);
    throw tooManyRequests("too many request bodies at once, please try again later", 1);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(failure(408, "Timeout", "the request body did not arrive in time")),
        timeLimit,
      );
      const settle = (error?: unknown): void => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      };
      req.on("data", (chunk: Buffer) => {
        size += chunk.length;
        held += chunk.length;
        if (size > limit) {
          drop(req);
          settle(tooLarge());
        } else chunks.push(chunk);
      });
      req.on("end", () => settle());
      req.on("error", (error) => settle(badRequest(`unable to read the request body: ${error.message}`)));
      req.on("aborted", () => settle(badRequest("the client went away")));
    });
  } finally {
    held -= size;
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** What is still coming is of no interest; the connection is closed after the answer. */
function drop(req: IncomingMessage): void {
  req.removeAllListeners("data");
  req.resume();
}
