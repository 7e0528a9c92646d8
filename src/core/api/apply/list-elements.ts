// How the elements of a list are told apart: by their keys, by their value, or not at all (x-kubernetes-list-type).
import { isJsonObject, type JsonObject } from "../json-object.ts";
import type { Field } from "../schema/mod.ts";

/** Keys that have a default, so that elements may leave them out (Kubernetes' schema: ports are TCP). */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: "TCP" };

/** Whether a field is owned, merged and compared as a whole. */
export function isAtomic(field: Field): boolean {
  if (field.container === "list") return field.listType !== "map" && field.listType !== "set";
  if (field.container === "map") return field.atomic === true || field.model?.isList === true;
  if (!field.model) return true;
  return field.atomic === true || field.model.atomic || field.model.isList;
}

/** The path element of a list's element (`k:{"name":"x"}`, `v:"x"`) with the keys that it has; undefined when it has none. */
export function elementKey(field: Field, item: unknown): string | undefined {
  if (field.listType === "set") return `v:${JSON.stringify(item)}`;
  const keys: JsonObject = {};
  for (const name of [...field.listMapKeys!].sort()) {
    const own = isJsonObject(item) && Object.hasOwn(item, name) ? item[name] : undefined;
    const value = own ?? (Object.hasOwn(keyDefaults, name) ? keyDefaults[name] : undefined);
    if (value !== undefined) keys[name] = value;
  }
  return Object.keys(keys).length === 0 ? undefined : `k:${JSON.stringify(keys)}`;
}

/** The elements by key, the first of each; elements without a key are left out. */
export function elementsByKey(field: Field, list: unknown): Map<string, unknown> {
  const out = new Map<string, unknown>();
  if (!Array.isArray(list)) return out;
  for (const item of list) {
    const key = elementKey(field, item);
    if (key !== undefined && !out.has(key)) out.set(key, item);
  }
  return out;
}
