// The fields that an applied configuration speaks of: all of it, and nothing else (structured-merge-diff, ToFieldSet).
import { isJsonObject } from "../json-object.ts";
import type { Field, Model } from "../schema/mod.ts";
import { type Fields, isEmpty, leaf } from "./fields.ts";
import { elementKey, isAtomic } from "./list-elements.ts";

/** What the schema does not know, or a list element without its key. The message begins with the path. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

function fieldsOfMessage(model: Model, value: unknown, path: string): Fields {
  const out: Fields = {};
  if (!isJsonObject(value)) return out;
  for (const name of Object.keys(value)) {
    const field = model.fields.get(name);
    const here = `${path}.${name}`;
    if (!field) throw new ConfigurationError(`${here}: field not declared in schema`);
    const v = value[name];
    const node = v === null || isAtomic(field) ? leaf() : fieldsBelow(field, v, here);
    // An empty message is itself a member; an empty keyed list says nothing.
    if (!isEmpty(node) || field.container !== "list" || isAtomic(field)) out[`f:${name}`] = node;
  }
  return out;
}

function fieldsBelow(field: Field, value: unknown, path: string): Fields {
  if (field.container === "none") return fieldsOfMessage(field.model!, value, path);
  const out: Fields = {};
  if (field.container === "map") {
    if (!isJsonObject(value)) return out;
    for (const key of Object.keys(value))
      out[`f:${key}`] = field.model
        ? member(fieldsOfMessage(field.model, value[key], `${path}.${key}`))
        : leaf();
    return out;
  }
  for (const [i, item] of (Array.isArray(value) ? value : []).entries()) {
    const key = elementKey(field, item);
    if (key === undefined) {
      const keys = field.listMapKeys!.map((k) => JSON.stringify(k)).join(" ");
      throw new ConfigurationError(
        `${path}: element ${i}: associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`,
      );
    }
    if (Object.hasOwn(out, key))
      throw new ConfigurationError(`${path}: duplicate entries for key [${key.slice(2)}]`);
    out[key] =
      field.listType === "map" ? member(fieldsOfMessage(field.model!, item, `${path}[${i}]`)) : leaf();
  }
  return out;
}

function member(node: Fields): Fields {
  if (!isEmpty(node)) node["."] = leaf();
  return node;
}

/** Throws ConfigurationError. */
export function appliedFields(model: Model, configuration: object): Fields {
  return fieldsOfMessage(model, configuration, "");
}
