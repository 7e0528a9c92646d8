// Lays an applied configuration over a live object (structured-merge-diff, typed.Merge). The live object is never changed.
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { setOwn } from "../schema/json-text.ts";
import type { Field, Model } from "../schema/mod.ts";
import { elementKey, elementsByKey, isAtomic } from "./list-elements.ts";

/** Null in the configuration takes the field away. */
export function mergeMessage(model: Model, live: unknown, applied: JsonObject): JsonObject {
  const out: JsonObject = isJsonObject(live) ? { ...live } : {};
  for (const name of Object.keys(applied)) {
    const value = applied[name];
    const field = model.fields.get(name);
    const old = Object.hasOwn(out, name) ? out[name] : undefined;
    if (value === null) delete out[name];
    else setOwn(out, name, field ? mergeField(field, old, value) : value);
  }
  return out;
}

function mergeField(field: Field, live: unknown, applied: unknown): unknown {
  if (live === undefined || live === null || isAtomic(field)) return applied;
  if (field.container === "list") return mergeList(field, live, applied);
  if (!isJsonObject(applied) || !isJsonObject(live)) return applied;
  if (field.container === "none") return mergeMessage(field.model!, live, applied);
  const out: JsonObject = { ...live };
  for (const key of Object.keys(applied)) {
    const value = applied[key];
    const old = Object.hasOwn(out, key) ? out[key] : undefined;
    if (value === null) delete out[key];
    else setOwn(out, key, field.model && isJsonObject(value) ? mergeMessage(field.model, old, value) : value);
  }
  return out;
}

/**
 * What both have goes in the configuration's order. What only the live list has keeps its place before the shared element
 * that followed it, and before what is new there.
 */
function mergeList(field: Field, live: unknown, applied: unknown): unknown {
  if (!Array.isArray(live) || !Array.isArray(applied)) return applied;
  const old = elementsByKey(field, live);
  const wanted = elementsByKey(field, applied);
  const merged = (key: string): unknown => {
    const item = wanted.get(key);
    const keyed = field.listType === "map" && old.has(key) && isJsonObject(item);
    return keyed ? mergeMessage(field.model!, old.get(key), item) : item;
  };
  const out: unknown[] = [];
  let at = 0;
  /** Emits the live list's own elements up to the shared element that comes next. */
  const takeOwn = (next: string | undefined): void => {
    for (; at < live.length; at++) {
      const key = elementKey(field, live[at]);
      if (typeof key !== "string" || !wanted.has(key)) out.push(live[at]);
      else if (key === next) break;
    }
  };
  const order = [...wanted.keys()];
  const shared = order.filter((key) => old.has(key));
  for (const key of order) {
    takeOwn(shared[0]);
    if (key === shared[0]) shared.shift();
    out.push(merged(key));
  }
  takeOwn(undefined);
  return out;
}
