// A PATCH's body as a change of whatever the object is when its turn comes: it is worked out anew if another writer was first.
import { unsupportedMediaType } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { PatchType } from "../client/mod.ts";
import type { BodyKind } from "./codec.ts";
import type { ApiCore, WriteContext } from "./context.ts";

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

/** The returned function gives the wanted object, leaving the current one as it is. Throws StatusError. */
export function patchChange(
  core: ApiCore,
  kind: BodyKind,
  type: PatchType,
  body: string,
  ctx: WriteContext,
): (current: KubeObject) => KubeObject {
  return (current) => {
    if (type === "merge")
      return core.codec.decodeValue(mergePatch(structuredClone(current), JSON.parse(body)), kind, ctx);
    throw unsupportedMediaType(`${type} patches are not served yet`);
  };
}
