// PATCH: from the current object and a patch document to the wanted object, by the patch's media type.
import type { ResourceDefinition } from "../../core/api/resource.ts";
import { unsupportedMediaType } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { PatchType } from "../client/mod.ts";

const mediaTypes = new Map<string, PatchType>([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
  ["application/apply-patch+yaml", "apply"],
]);

export function patchTypeOf(contentType: string | undefined): PatchType {
  const type = mediaTypes.get((contentType ?? "").split(";")[0]!.trim().toLowerCase());
  if (!type)
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${[...mediaTypes.keys()].join(", ")}`,
    );
  return type;
}

const isRecord = (v: unknown): v is Record<string, unknown> =>
  typeof v === "object" && v !== null && !Array.isArray(v);

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const out: Record<string, unknown> = isRecord(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else
      Object.defineProperty(out, key, {
        value: mergePatch(Object.hasOwn(out, key) ? out[key] : undefined, value),
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return out;
}

/** `current` is the callee's to change. */
export function applyPatch(
  _def: ResourceDefinition,
  current: KubeObject,
  patch: unknown,
  type: PatchType,
): unknown {
  if (type === "merge") return mergePatch(current, patch);
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - ${type} patches are not served yet`,
  );
}
