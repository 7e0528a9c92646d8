// A PATCH's body as a change of whatever the object is when its turn comes: it is worked out anew if another writer was first.
import { applyPatch } from "../../../core/api/patch/mod.ts";
import { unsupportedMediaType } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { PatchType } from "../../client/mod.ts";
import type { ApiCore, WriteContext } from "../context.ts";
import type { BodyKind } from "../requests/mod.ts";

/** The returned function gives the wanted object, leaving the current one as it is. Throws StatusError. */
export function patchChange(
  core: ApiCore,
  kind: BodyKind,
  type: PatchType,
  body: string,
  ctx: WriteContext,
): (current: KubeObject) => KubeObject {
  const expected = core.codec.expected(kind);
  return (current) => {
    if (type === "apply") throw unsupportedMediaType("apply patches are not served");
    const { fieldValidation } = ctx;
    const { object, warnings } = applyPatch(current, { type, patch: body, expected, fieldValidation });
    for (const text of warnings) ctx.warn(text);
    object.metadata ??= {};
    return object;
  };
}
