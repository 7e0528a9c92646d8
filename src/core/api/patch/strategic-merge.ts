// Strategic merge patch: a merge patch that knows which lists are keyed (apimachinery util/strategicpatch; API docs, "Update
// API objects in place using kubectl patch"). Which field merges how stands in the schema. The document is never changed.
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { setOwn } from "../schema/json-text.ts";
import type { Field, Model } from "../schema/mod.ts";
import { findByKey, orderAfterChanges, orderList, partitionByOrder } from "./element-order.ts";
import { printGoValue } from "./go-value.ts";
import { jsonEqual } from "./json-patch.ts";

/** A patch that is no strategic merge patch; `code` is the status that kube-apiserver answers. */
export class StrategicPatchError extends Error {
  override readonly name = "StrategicPatchError";
  readonly code: 400 | 422 | 500;
  constructor(message: string, code: 400 | 422 | 500) {
    super(message);
    this.code = code;
  }
}

const directive = "$patch";
const retainKeys = "$retainKeys";
const deletePrefix = "$deleteFromPrimitiveList/";
const orderPrefix = "$setElementOrder/";

function kindOf(v: unknown): string {
  return v === null ? "null" : Array.isArray(v) ? "list" : typeof v;
}

function merges(field: Field | undefined): boolean {
  return (field?.patchStrategy ?? "").split(",").includes("merge");
}

function replaces(field: Field | undefined): boolean {
  return (field?.patchStrategy ?? "").split(",").includes("replace");
}

/** A patch's value as it is taken where there is nothing to merge with: nulls and directives fall away. */
function plain(value: unknown, inList = false): { value: unknown } | undefined {
  if (Array.isArray(value)) {
    const out: unknown[] = [];
    for (const v of value) {
      const kept = plain(v, true);
      if (kept) out.push(kept.value);
    }
    return { value: out };
  }
  if (value === null && !inList) return undefined;
  if (!isJsonObject(value)) return { value };
  if (Object.hasOwn(value, directive)) return undefined;
  const out: JsonObject = {};
  for (const key of Object.keys(value)) {
    if (key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    const kept = plain(value[key]);
    if (kept) setOwn(out, key, kept.value);
  }
  return { value: out };
}

/** Drops what `$retainKeys` does not name. */
function retain(out: JsonObject, patch: JsonObject): void {
  if (!Object.hasOwn(patch, retainKeys)) return;
  const keys = patch[retainKeys];
  const bad = new StrategicPatchError("invalid patch format of retainKeys", 400);
  if (!Array.isArray(keys)) throw bad;
  for (const k of Object.keys(patch)) {
    if (patch[k] === null || k === retainKeys || k.startsWith(deletePrefix) || k.startsWith(orderPrefix))
      continue;
    if (!keys.includes(k)) throw bad;
  }
  for (const k of Object.keys(out)) if (!keys.includes(k)) delete out[k];
}

/** Merges a patch into an object of a model; without a model (a map, an unknown field) objects merge and lists replace. */
export function strategicMerge(original: unknown, patch: JsonObject, model: Model | undefined): JsonObject {
  if (Object.hasOwn(patch, directive)) {
    const word = patch[directive];
    if (word === "replace") {
      const { [directive]: _, ...rest } = patch;
      return rest;
    }
    if (word === "delete") return {};
    throw new StrategicPatchError(
      `unknown patch type: ${printGoValue(word)} in map: ${printGoValue(patch)}`,
      500,
    );
  }
  const out: JsonObject = isJsonObject(original) ? { ...original } : {};
  retain(out, patch);
  const done = new Set<string>([retainKeys]);
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    done.add(key);
    const name = key.slice(orderPrefix.length);
    const merged = mergeOrdered(out, patch, name, patch[key], model?.fields.get(name));
    if (!merged) continue;
    done.add(name);
    setOwn(out, name, merged);
  }
  const keys = Object.keys(patch).filter((key) => !done.has(key));
  // What is deleted and added at once is there in the end.
  for (const key of keys)
    if (key.startsWith(deletePrefix)) deleteFromPrimitives(out, key.slice(deletePrefix.length), patch[key]);
  for (const key of keys)
    if (!key.startsWith(deletePrefix)) mergeMember(out, key, patch[key], model?.fields.get(key));
  return out;
}

function deleteFromPrimitives(out: JsonObject, name: string, value: unknown): void {
  if (!Array.isArray(value)) throw new StrategicPatchError("invalid patch format of primitive list", 400);
  const list = Object.hasOwn(out, name) ? out[name] : undefined;
  if (Array.isArray(list)) out[name] = list.filter((v) => !value.some((gone) => jsonEqual(gone, v)));
}

function mergeMember(out: JsonObject, key: string, value: unknown, field: Field | undefined): void {
  if (value === null) {
    delete out[key];
    return;
  }
  const old = Object.hasOwn(out, key) ? out[key] : undefined;
  if (old === undefined || kindOf(old) !== kindOf(value)) {
    const kept = plain(value);
    if (kept) setOwn(out, key, kept.value);
    else delete out[key];
  } else if (isJsonObject(value)) {
    if (replaces(field)) setOwn(out, key, value);
    else {
      const model = field?.container === "none" ? field.model : undefined;
      setOwn(out, key, strategicMerge(old, value, model));
    }
  } else if (Array.isArray(value)) setOwn(out, key, mergeList(old as unknown[], value, field));
  else setOwn(out, key, value);
}

/** A list whose order the patch gives: `$setElementOrder/name`. Undefined where there is no list at all. */
function mergeOrdered(
  out: JsonObject,
  patch: JsonObject,
  name: string,
  order: unknown,
  field: Field | undefined,
): unknown[] | undefined {
  const old = Object.hasOwn(out, name) ? out[name] : undefined;
  const change = Object.hasOwn(patch, name) ? patch[name] : undefined;
  for (const list of [order, old, change])
    if (list !== undefined && !Array.isArray(list))
      throw new StrategicPatchError(`expected a []interface {}, but received a ${kindOf(list)}`, 500);
  const originals = (old as unknown[] | undefined) ?? [];
  const wanted = order as unknown[];
  if (old === undefined && change === undefined) return undefined;
  const key = field?.patchMergeKey;
  if (change !== undefined) checkOrder(change as unknown[], wanted, key);
  let merged = originals;
  if (change !== undefined)
    merged =
      old === undefined
        ? (plain(change) as { value: unknown[] }).value
        : mergeList(originals, change as unknown[], field);
  const { inOrder, others } = partitionByOrder(merged, wanted, key);
  return orderList(inOrder, others, wanted, orderLeft(originals, change, field), key);
}

function orderLeft(originals: unknown[], change: unknown, field: Field | undefined): unknown[] {
  const key = field?.patchMergeKey;
  if (key === undefined || !merges(field) || !Array.isArray(change)) return originals;
  const items = change.filter(isJsonObject);
  const replaced = items.some((item) => item[directive] === "replace");
  return orderAfterChanges(
    originals,
    {
      deleted: items.filter((item) => item[directive] === "delete"),
      changed: replaced ? [] : items.filter((item) => !Object.hasOwn(item, directive)),
    },
    key,
  );
}

/** What a patch names must stand in its order list, in the same order. */
function checkOrder(patch: unknown[], order: unknown[], key: string | undefined): void {
  if (order.length === 0 || patch.length === 0) return;
  const items = patch.filter((item) => !(isJsonObject(item) && item[directive] === "delete"));
  let next = 0;
  let at = 0;
  while (next < items.length && at < order.length) {
    const item = items[next];
    if (isJsonObject(item) && Object.hasOwn(item, directive)) {
      next++;
      continue;
    }
    if (findByKey([order[at]], item, key)) next++;
    at++;
  }
  if (next < items.length)
    throw new StrategicPatchError(
      `The order in patch list:\n${printGoValue(patch)}\n doesn't match $setElementOrder list:\n${printGoValue(order)}\n`,
      500,
    );
}

function mergeList(original: unknown[], patch: unknown[], field: Field | undefined): unknown[] {
  if (!merges(field)) return (plain(patch) as { value: unknown[] }).value;
  if (original.length === 0 && patch.length === 0) return original;
  if ([...original, ...patch].some(Array.isArray))
    throw new StrategicPatchError("lists of lists are not supported", 422);
  const key = field!.patchMergeKey;
  if (![...original, ...patch].some(isJsonObject)) {
    const merged = [...original];
    for (const v of patch) if (!merged.includes(v)) merged.push(v);
    const { inOrder, others } = partitionByOrder(merged, patch, undefined);
    return orderList(inOrder, others, patch, original, undefined);
  }
  if (key === undefined)
    throw new StrategicPatchError(`cannot merge lists without merge key for ${field!.goType}`, 500);
  const { list, changes } = obeyDirectives(original, patch, key);
  const merged = [...list];
  for (const change of changes) {
    requireKey(change, key);
    const at = merged.findIndex((v) => isJsonObject(v) && jsonEqual(v[key], change[key]));
    if (at >= 0) merged[at] = strategicMerge(merged[at], change, field!.model);
    else {
      const kept = plain(change);
      if (kept) merged.push(kept.value);
    }
  }
  const { inOrder, others } = partitionByOrder(merged, changes, key);
  return orderList(inOrder, others, changes, list, key);
}

function requireKey(item: JsonObject, key: string): void {
  if (Object.hasOwn(item, key)) return;
  throw new StrategicPatchError(
    `map: ${printGoValue(item)} does not contain declared merge key: ${key}`,
    500,
  );
}

/** Applies the elements that delete, or replace the list; hands back the rest. */
function obeyDirectives(
  original: unknown[],
  patch: unknown[],
  key: string,
): { list: unknown[]; changes: JsonObject[] } {
  let list = original;
  let replace = false;
  const changes: JsonObject[] = [];
  for (const item of patch) {
    if (!isJsonObject(item))
      throw new StrategicPatchError(
        `list element types are not identical: ${printGoValue([original, patch])}`,
        500,
      );
    if (!Object.hasOwn(item, directive)) {
      changes.push(item);
      continue;
    }
    const word = item[directive];
    if (word === "delete") {
      requireKey(item, key);
      list = list.filter((v) => !(isJsonObject(v) && jsonEqual(v[key], item[key])));
    } else if (word === "replace") replace = true;
    else if (word === "merge")
      throw new StrategicPatchError("merging lists cannot yet be specified in the patch", 500);
    else
      throw new StrategicPatchError(
        `unknown patch type: ${printGoValue(word)} in map: ${printGoValue(item)}`,
        500,
      );
  }
  // A list that replaces the other is taken as it is, were there two of one key.
  return replace ? { list: (plain(changes) as { value: unknown[] }).value, changes: [] } : { list, changes };
}
