// Takes away what a manager applied before and no longer does, unless somebody else owns it (structured-merge-diff, prune).
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { setOwn } from "../schema/json-text.ts";
import type { Field, Model } from "../schema/mod.ts";
import { type Fields, isEmpty, isMember } from "./fields.ts";
import { elementKey, isAtomic } from "./list-elements.ts";

/** What to do at a place: what was owned, what is owned still; `whole`: nothing unowned below survives. */
interface Place {
  readonly last: Fields | undefined;
  readonly kept: Fields | undefined;
  readonly whole: boolean;
}

const empty: Fields = {};
const owned = (node: Fields | undefined): boolean => node !== undefined && (isMember(node) || !isEmpty(node));

function step(place: Place, key: string): Place | "keep" | "drop" {
  const last = place.last?.[key];
  const kept = place.kept?.[key];
  const gone = place.whole || isMember(last);
  if (!gone && last === undefined) return "keep";
  if (gone && !owned(kept)) return "drop";
  return { last, kept, whole: gone && !isMember(kept) };
}

function visit(field: Field, value: unknown, place: Place | "keep" | "drop"): unknown {
  if (place === "keep") return value;
  if (place === "drop") return undefined;
  return isAtomic(field) ? value : below(field, value, place);
}

function message(
  model: Model,
  value: JsonObject,
  place: Place,
  keys: readonly string[] = [],
): JsonObject | undefined {
  const out: JsonObject = {};
  for (const name of Object.keys(value)) {
    const field = model.fields.get(name);
    const next = keys.includes(name) ? "keep" : step(place, `f:${name}`);
    const v = field ? visit(field, value[name], next) : value[name];
    if (v !== undefined) setOwn(out, name, v);
  }
  return isEmpty(out as Fields) && !isEmpty(value as Fields) ? undefined : out;
}

function below(field: Field, value: unknown, place: Place): unknown {
  if (field.container === "list") {
    if (!Array.isArray(value)) return value;
    const out = value.flatMap((item) => {
      const key = elementKey(field, item);
      if (typeof key !== "string") return [item];
      const next = step(place, key);
      if (next === "keep") return [item];
      if (next === "drop") return [];
      return isJsonObject(item) ? [message(field.model!, item, next, field.listMapKeys) ?? item] : [item];
    });
    return out.length === 0 && value.length > 0 ? undefined : out;
  }
  if (!isJsonObject(value)) return value;
  if (field.container === "none") return message(field.model!, value, place);
  const out: JsonObject = {};
  for (const key of Object.keys(value)) {
    const next = step(place, `f:${key}`);
    if (next === "drop") continue;
    const v = value[key];
    const kept = next !== "keep" && field.model && isJsonObject(v) ? message(field.model, v, next) : v;
    if (kept !== undefined) setOwn(out, key, kept);
  }
  return isEmpty(out as Fields) && !isEmpty(value as Fields) ? undefined : out;
}

/** `last`: what the manager applied before; `kept`: what it applies now and what all others own. */
export function removeUnowned(model: Model, object: JsonObject, last: Fields, kept: Fields): JsonObject {
  return message(model, object, { last, kept, whole: false }) ?? (empty as JsonObject);
}
