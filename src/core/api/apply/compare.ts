// What changed between two canonical objects, as sets of fields (structured-merge-diff, typed.Compare).
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { jsonEqual } from "../patch/json-patch.ts";
import type { Field, Model } from "../schema/mod.ts";
import { type Fields, isEmpty, leaf } from "./fields.ts";
import { elementsByKey, isAtomic } from "./list-elements.ts";

export interface Comparison {
  /** Fields that are new or have another value. */
  readonly changed: Fields;
  readonly removed: Fields;
}

/** The sets being filled: a node for each side at the place that is looked at. */
interface Nodes {
  changed: Fields;
  removed: Fields;
}

/** Attaches what was found below a place; `old` and `now` are undefined where there is nothing. */
function attach(into: Nodes, key: string, old: unknown, now: unknown, below: Nodes | undefined): void {
  if (old === undefined) {
    const node = below?.changed ?? leaf();
    if (below && !isEmpty(node)) node["."] = leaf();
    into.changed[key] = node;
  } else if (now === undefined) {
    const node = below?.removed ?? leaf();
    if (below && !isEmpty(node)) node["."] = leaf();
    into.removed[key] = node;
  } else if (below) {
    if (!isEmpty(below.changed)) into.changed[key] = below.changed;
    if (!isEmpty(below.removed)) into.removed[key] = below.removed;
  } else if (!jsonEqual(old, now)) into.changed[key] = leaf();
}

function compareMessage(model: Model, old: JsonObject, now: JsonObject, into: Nodes): void {
  for (const name in now) compareField(model, name, old, now, into);
  for (const name in old) if (!Object.hasOwn(now, name)) compareField(model, name, old, now, into);
}

function compareField(model: Model, name: string, before: JsonObject, after: JsonObject, into: Nodes): void {
  const field = model.fields.get(name);
  if (!field) return;
  let old = Object.hasOwn(before, name) ? (before[name] ?? undefined) : undefined;
  let now = Object.hasOwn(after, name) ? (after[name] ?? undefined) : undefined;
  if (old === now) return;
  if (field.container === "list" && field.zero === "always") {
    // Go writes such a list as null when there is none: it is there on both sides.
    old ??= [];
    now ??= [];
  }
  attach(into, `f:${name}`, old, now, isAtomic(field) ? undefined : compareBelow(field, old, now));
}

function compareBelow(field: Field, old: unknown, now: unknown): Nodes {
  const below: Nodes = { changed: {}, removed: {} };
  if (field.container === "list") {
    const before = elementsByKey(field, old);
    const after = elementsByKey(field, now);
    const model = field.listType === "map" ? field.model : undefined;
    for (const key of new Set([...after.keys(), ...before.keys()]))
      compareElement(key, before.get(key), after.get(key), model, below);
  } else if (field.container === "map") {
    const before = isJsonObject(old) ? old : {};
    const after = isJsonObject(now) ? now : {};
    for (const key of new Set([...Object.keys(after), ...Object.keys(before)])) {
      const own = (o: JsonObject): unknown => (Object.hasOwn(o, key) ? o[key] : undefined);
      compareElement(`f:${key}`, own(before), own(after), field.model, below);
    }
  } else compareMessage(field.model!, isJsonObject(old) ? old : {}, isJsonObject(now) ? now : {}, below);
  return below;
}

function compareElement(
  key: string,
  old: unknown,
  now: unknown,
  model: Model | undefined,
  into: Nodes,
): void {
  if (!model || model.atomic) {
    attach(into, key, old, now, undefined);
    return;
  }
  const below: Nodes = { changed: {}, removed: {} };
  compareMessage(model, isJsonObject(old) ? old : {}, isJsonObject(now) ? now : {}, below);
  attach(into, key, old, now, below);
}

/** What an object of a kind has before anything is set: its structs, empty. */
function emptyObject(model: Model): object {
  let found = empties.get(model);
  if (!found) {
    found = emptyMessage(model);
    empties.set(model, found);
  }
  return found;
}

const empties = new WeakMap<Model, object>();

function emptyMessage(model: Model): object {
  const out: JsonObject = {};
  for (const f of model.always) if (f.model) out[f.name] = emptyMessage(f.model);
  return out;
}

/** Compares two canonical objects (prune) of a model; without an old one everything is new but the empty structs. */
export function compare(model: Model, old: object | undefined, now: object): Comparison {
  const nodes: Nodes = { changed: {}, removed: {} };
  compareMessage(model, (old ?? emptyObject(model)) as JsonObject, now as JsonObject, nodes);
  return nodes;
}
