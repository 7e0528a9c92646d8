// PATCH: the media type says how the body is meant; core/api/patch works out the object.
import { unsupportedMediaType } from "../../../core/api/status.ts";
import type { PatchType } from "../../client/mod.ts";

const mediaTypes = new Map<string, PatchType>([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
  ["application/apply-patch+yaml", "apply"],
]);

/** Throws StatusError 415. */
export function patchTypeOf(contentType: string | undefined): PatchType {
  const type = mediaTypes.get((contentType ?? "").split(";")[0]!.trim().toLowerCase());
  if (!type)
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${[...mediaTypes.keys()].join(", ")}`,
    );
  return type;
}
