// DELETE of a collection: every object that the selectors pick, one by one, a few at a time.
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { isConflict, isNotFound } from "../../../core/api/status.ts";
import type { ApiCore, WriteContext } from "../context.ts";
import type { DeleteOptionsBody } from "../requests/mod.ts";
import { servedObject } from "../stored-object.ts";
import { deleteObject, refuseImmortal } from "./delete.ts";
import { type ListPage, type ListQuery, listPage } from "./list.ts";

const atOnce = 50;

/** Resolves with the objects as they were found. */
export async function deleteCollection(
  core: ApiCore,
  def: ResourceDefinition,
  query: ListQuery,
  options: DeleteOptionsBody,
  ctx: WriteContext,
): Promise<ListPage> {
  const page = listPage(core.store, def, {
    ...query,
    resourceVersion: undefined,
    resourceVersionMatch: undefined,
  });
  const { preconditions: _, ...each } = options;
  for (let i = 0; i < page.items.length; i += atOnce) {
    await Promise.all(
      page.items.slice(i, i + atOnce).map(async (kv) => {
        const { name, namespace } = servedObject(def, kv).metadata;
        try {
          refuseImmortal(def, name!);
          await deleteObject(core, def, namespace, name!, each, ctx);
        } catch (error) {
          // Gone already, or a namespace on its way.
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
      }),
    );
  }
  return page;
}
