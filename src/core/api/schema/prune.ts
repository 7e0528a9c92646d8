// Brings a parsed JSON value into the shape that Go's decoding into a Kubernetes type and encoding it again would give it:
// unknown fields dropped (and told), types checked, zero values left out, quantities and times in canonical form. One pass.
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { countKeys, setOwn } from "./json-text.ts";
import { goKind, Misfit, readScalar, zeroOf } from "./scalar.ts";
import type { Field, Model } from "./schema.ts";

/** Values kept as they came (fieldsV1, raw extensions) may be nested this deep. */
const maxRawDepth = 500;
/** Kubernetes stops collecting after this many. */
const maxStrictErrors = 100;

export interface Pruned {
  readonly object: Record<string, unknown>;
  /** `unknown field "spec.foo"`, `duplicate field "spec.bar"`, in the order of the text. */
  readonly strictErrors: string[];
  /** How many keys were met; fewer than the text has where keys repeat. */
  readonly keys: number;
}

/** A value that no Go type can hold: `json: cannot unmarshal string into Go struct field …`. */
export class DecodeTypeError extends Error {
  override readonly name = "DecodeTypeError";
}

class Pruner {
  readonly #path: (string | number)[] = [];
  readonly strictErrors: string[] = [];
  typeError: string | undefined;
  keys = 0;
  readonly #repeated: ReadonlyMap<object, readonly string[]> | undefined;

  constructor(repeated: ReadonlyMap<object, readonly string[]> | undefined) {
    this.#repeated = repeated;
  }

  #strict(what: string, name: string): void {
    if (this.strictErrors.length >= maxStrictErrors) return;
    let path = "";
    for (const p of this.#path) path += typeof p === "number" ? `[${p}]` : path === "" ? p : `.${p}`;
    const message = `${what} "${path === "" ? name : `${path}.${name}`}"`;
    if (!this.strictErrors.includes(message)) this.strictErrors.push(message);
  }

  #misfit(owner: Model | undefined, came: string, wanted: string): void {
    if (this.typeError !== undefined) return;
    const fields = this.#path.filter((p) => typeof p === "string");
    const where =
      owner && fields.length > 0 ? `struct field ${owner.shortName}.${fields.join(".")}` : "value";
    this.typeError = `json: cannot unmarshal ${came} into Go ${where} of type ${wanted}`;
  }

  struct(value: unknown, model: Model, owner: Model | undefined): JsonObject {
    const out: JsonObject = {};
    if (!isJsonObject(value)) {
      if (value !== null)
        this.#misfit(owner, goKind(value), `${model.name.split(".")[1]}.${model.shortName}`);
      return this.#fill(out, model);
    }
    const names = this.#repeated?.get(value);
    if (names) {
      // Some key repeats: tell of everything in the order of the text.
      const seen = new Set<string>();
      for (const key of names) {
        if (!seen.has(key)) this.#member(out, key, value[key], model);
        else if (model.fields.has(key)) this.#strict("duplicate field", key);
        seen.add(key);
      }
    } else for (const key in value) this.#member(out, key, value[key], model);
    return this.#fill(out, model);
  }

  #member(out: JsonObject, key: string, value: unknown, model: Model): void {
    this.keys++;
    const field = model.fields.get(key);
    if (field === undefined) {
      this.#strict("unknown field", key);
      // Too deep to count: the slow way finds the words for it.
      this.keys += countKeys(value) ?? Number.NaN;
    } else if (value !== null) {
      this.#path.push(key);
      this.#field(out, field, value, model);
      this.#path.pop();
    }
  }

  #fill(out: JsonObject, model: Model): JsonObject {
    for (const f of model.always) {
      if (out[f.name] !== undefined) continue;
      if (f.model) out[f.name] = this.#fill({}, f.model);
      else out[f.name] = f.scalar === "string" ? "" : f.scalar === "bool" ? false : 0;
    }
    return out;
  }

  #field(out: JsonObject, field: Field, value: unknown, owner: Model): void {
    if (field.container === "list") {
      const list = this.#list(value, field, owner);
      if (list.length > 0 || field.zero !== "omit") out[field.name] = list;
    } else if (field.container === "map") {
      const map = this.#map(value, field, owner);
      if (field.zero !== "omit" || Object.keys(map).length > 0) out[field.name] = map;
    } else if (field.model) {
      out[field.name] = this.#message(value, field, owner);
    } else {
      const v = this.#scalar(value, field, owner);
      if (field.zero === "omit" && (v === "" || v === 0 || v === false)) {
        // A Go struct is never empty: these are written even when zero.
        if (field.scalar === "IntOrString") out[field.name] = v;
        return;
      }
      if (v !== undefined) out[field.name] = v;
    }
  }

  #message(value: unknown, field: Field, owner: Model): unknown {
    const model = field.model!;
    if (!model.isList) return this.struct(value, model, owner);
    return this.#list(value, model.fields.get("items")!, owner);
  }

  #list(value: unknown, field: Field, owner: Model): unknown[] {
    if (!Array.isArray(value)) {
      this.#misfit(owner, goKind(value), field.goType);
      return [];
    }
    const out: unknown[] = [];
    for (let i = 0; i < value.length; i++) {
      this.#path.push(i);
      out.push(this.#element(value[i], field, owner));
      this.#path.pop();
    }
    return out;
  }

  #map(value: unknown, field: Field, owner: Model): JsonObject {
    const out: JsonObject = {};
    if (!isJsonObject(value)) {
      this.#misfit(owner, goKind(value), field.goType);
      return out;
    }
    const names = this.#repeated?.get(value);
    if (names) {
      const seen = new Set<string>();
      for (const name of names) {
        if (seen.has(name)) this.#strict("duplicate field", name);
        seen.add(name);
      }
    }
    for (const key in value) {
      this.keys++;
      const v = value[key];
      if (typeof v === "object" && v !== null) this.#path.push(key);
      setOwn(out, key, this.#element(v, field, owner));
      if (typeof v === "object" && v !== null) this.#path.pop();
    }
    return out;
  }

  #element(value: unknown, field: Field, owner: Model): unknown {
    if (value === null) return zeroOf(field);
    if (field.model) return this.#message(value, field, owner);
    return this.#scalar(value, field, owner) ?? null;
  }

  #scalar(value: unknown, field: Field, owner: Model): unknown {
    const scalar = field.scalar!;
    if (scalar === "string" && typeof value === "string") return value;
    if (scalar === "FieldsV1" || scalar === "RawExtension") {
      const n = countKeys(value, maxRawDepth);
      if (n === undefined) {
        this.typeError ??= "exceeded max depth";
        return undefined;
      }
      this.keys += n;
      return value;
    }
    const read = readScalar(scalar, value);
    if (!(read instanceof Misfit)) return read;
    if (read.message !== undefined) this.typeError ??= read.message;
    else {
      const wanted =
        field.container === "none" ? field.goType : field.goType.replace(/^(\[\]|map\[[^\]]*\])/, "");
      this.#misfit(owner, read.came!, read.wanted ?? wanted);
    }
    return undefined;
  }
}

/**
 * A new value in canonical form; parts of the given one may be shared. `repeated` names the keys of objects in which a key
 * repeats (parseJsonSlowly). Throws DecodeTypeError with the first value that does not fit.
 */
export function prune(
  model: Model,
  value: unknown,
  repeated?: ReadonlyMap<object, readonly string[]>,
): Pruned {
  const pruner = new Pruner(repeated);
  const object = pruner.struct(value, model, undefined);
  if (pruner.typeError !== undefined) throw new DecodeTypeError(pruner.typeError);
  return { object, strictErrors: pruner.strictErrors, keys: pruner.keys };
}

/** The same value with every object's keys sorted, as Go writes maps; what is told of it comes in that order. */
function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value).sort()) setOwn(out, key, withSortedKeys((value as JsonObject)[key]));
  return out;
}

/** As prune, for a value that was a map on its way: several strict errors come in the order of sorted keys. */
export function pruneMap(model: Model, value: unknown): Pruned {
  const pruned = prune(model, value);
  return pruned.strictErrors.length > 1 ? prune(model, withSortedKeys(value)) : pruned;
}
