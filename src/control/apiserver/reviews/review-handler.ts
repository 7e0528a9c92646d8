// POST of a review over HTTP.
import type { IncomingMessage, ServerResponse } from "node:http";
import { methodNotAllowed } from "../../../core/api/status.ts";
import type { UserInfo } from "../context.ts";
import { answerObject } from "../representation/mod.ts";
import { type Codec, negotiate, type RequestInfo, readBody } from "../requests/mod.ts";
import type { TokenInspector } from "../tokens/mod.ts";
import { reviews } from "./review.ts";

export interface ReviewHandlerOptions {
  codec: Codec;
  now(): number;
  inspect: TokenInspector | undefined;
  audience: string;
}

/** Resolves with false when the path names no review. Throws StatusError. */
export function createReviewHandler(
  o: ReviewHandlerOptions,
): (req: IncomingMessage, res: ServerResponse, info: RequestInfo, user: UserInfo) => Promise<boolean> {
  const byPath = new Map(reviews.map((r) => [`${r.group}/${r.version}/${r.plural}`, r]));
  return async (req, res, info, user) => {
    const review = byPath.get(`${info.group}/${info.version}/${info.resource}`);
    if (!review || (info.namespace !== undefined) !== review.namespaced) return false;
    if (info.name !== "" || req.method !== "POST") throw methodNotAllowed();
    const heed = { fieldValidation: "Ignore" as const, warn() {} };
    const body = await o.codec.decodeBody(
      await readBody(req),
      req.headers["content-type"],
      review.body,
      heed,
    );
    const answer = await review.answer(body, {
      user,
      namespace: info.namespace,
      now: o.now(),
      inspect: o.inspect,
      audience: o.audience,
    });
    const accepted = negotiate(req.headers.accept, []);
    answerObject(req, res, 201, accepted.media, answer);
    return true;
  };
}
