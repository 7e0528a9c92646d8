// Objects that nobody wrote, to be read as those of the store are.
import type { ResourceDefinition } from "../../core/api/resource.ts";
import type { KubeObject } from "../../core/api/types.ts";
import type { KeyValue, Store } from "../store/mod.ts";
import { storeKey } from "./registry.ts";

/** What reading takes of a store. */
export type Readable = Pick<Store, "revision" | "get" | "range" | "rangeAt">;

/** The objects as they are now, at the store's revision; they have no resourceVersion of their own. */
export function computedStore(
  { revision }: Store,
  def: ResourceDefinition,
  objects: readonly KubeObject[],
): Readable {
  const all = objects.map(
    (o): KeyValue => ({
      key: storeKey(def, o.metadata.namespace, o.metadata.name!),
      value: Buffer.from(JSON.stringify(o)),
      modRevision: 0,
      createRevision: 0,
    }),
  );
  const range: Readable["range"] = (prefix, { after = "", limit } = {}) =>
    all.filter((kv) => kv.key.startsWith(prefix) && kv.key > after).slice(0, limit);
  return {
    revision,
    get: (key) => all.find((kv) => kv.key === key),
    range,
    rangeAt: (prefix, _revision, options) => range(prefix, options),
  };
}
