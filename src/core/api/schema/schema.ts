// The shape of every Kubernetes message as data that can be walked: fields, types, protobuf numbers, how lists and maps merge.
// Made by scripts/build-schema.mjs from the official client's models; messages are read when they are first asked for.

/** Types that JSON carries as one value, or as one that Kubernetes reads in a way of its own. */
export type Scalar =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "double"
  | "bytes"
  | "Time"
  | "MicroTime"
  | "Quantity"
  | "IntOrString"
  | "FieldsV1"
  | "RawExtension";

const scalars: ReadonlySet<string> = new Set<Scalar>([
  "string",
  "bool",
  "int32",
  "int64",
  "double",
  "bytes",
  "Time",
  "MicroTime",
  "Quantity",
  "IntOrString",
  "FieldsV1",
  "RawExtension",
]);

/**
 * What becomes of a zero value in JSON: `omit` leaves it out, `keep` means that it differs from absence (a Go pointer),
 * `always` writes it even when it was not given, `omitStruct` leaves out a zero struct.
 */
export type ZeroRule = "omit" | "keep" | "always" | "omitStruct";

/** How server-side apply and strategic merge patch treat a list or map. */
export interface MergeFacts {
  /** x-kubernetes-patch-strategy: "merge", "replace", "retainKeys", "merge,retainKeys". */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** x-kubernetes-list-type; absent is atomic. */
  readonly listType?: "map" | "set" | "atomic";
  /** x-kubernetes-list-map-keys. */
  readonly listMapKeys?: readonly string[];
  /** x-kubernetes-map-type: atomic. */
  readonly atomic?: boolean;
}

export interface Field extends MergeFacts {
  readonly name: string;
  readonly container: "none" | "list" | "map";
  /** Set when the value (or each element) is no message. */
  readonly scalar: Scalar | undefined;
  /** The message of the value or of each element; undefined for scalars. */
  readonly model: Model | undefined;
  readonly zero: ZeroRule;
  /** Protobuf field number; 0 where protobuf has none (apiVersion, kind). */
  readonly number: number;
  /** The type as Go prints it in decoding errors. */
  readonly goType: string;
}

/** A message. `fields` is as JSON has it (inlined messages flattened), `wire` as protobuf has it. */
export interface Model {
  /** `core.v1.Pod`, `meta.v1.ObjectMeta`. */
  readonly name: string;
  /** The official client's name, `V1Pod`; "" for messages without one. */
  readonly client: string;
  /** `Pod`. */
  readonly shortName: string;
  /** Applied as a whole by server-side apply (x-kubernetes-map-type: atomic). */
  readonly atomic: boolean;
  /** A JSON array that protobuf wraps in a message. */
  readonly isList: boolean;
  readonly fields: ReadonlyMap<string, Field>;
  /** Fields with a value even when none was given: structs, and scalars that are written when zero. */
  readonly always: readonly Field[];
  readonly wire: ReadonlyMap<number, WireField>;
}

/** A protobuf field: its JSON field, or the message whose fields it brings into its owner. */
export type WireField = { readonly field: Field; readonly inline?: undefined } | { readonly inline: Model };

/** dist/schema.json. */
export interface SchemaData {
  readonly release: string;
  /** [name, flag, client model, fields in the notation of messages.txt]. */
  readonly messages: readonly (readonly [string, string, string, string])[];
}

export interface Schema {
  /** The Kubernetes release that the models come from: "1.36". */
  readonly release: string;
  /** By full name (`core.v1.Pod`) or the client's (`V1Pod`). */
  model(name: string): Model | undefined;
  /** The message of a kind: `apps/v1`, `Deployment`. */
  modelOfKind(apiVersion: string, kind: string): Model | undefined;
  readonly names: readonly string[];
}

const zeroRules: Record<string, ZeroRule> = { "": "omit", "?": "keep", "!": "always", "*": "omitStruct" };

const goScalars: Record<Scalar, string> = {
  string: "string",
  bool: "bool",
  int32: "int32",
  int64: "int64",
  double: "float64",
  bytes: "[]uint8",
  Time: "v1.Time",
  MicroTime: "v1.MicroTime",
  Quantity: "resource.Quantity",
  IntOrString: "intstr.IntOrString",
  FieldsV1: "v1.FieldsV1",
  RawExtension: "runtime.RawExtension",
};

class LazyModel implements Model {
  readonly name: string;
  readonly client: string;
  readonly shortName: string;
  readonly atomic: boolean;
  readonly isList: boolean;
  readonly #body: string;
  readonly #find: (name: string) => Model;
  #read: Pick<Model, "fields" | "always" | "wire"> | undefined;

  constructor([name, flag, client, body]: SchemaData["messages"][number], find: (name: string) => Model) {
    this.name = name;
    this.client = client;
    this.shortName = name.slice(name.lastIndexOf(".") + 1);
    this.atomic = flag === "atomic";
    this.isList = flag === "list";
    this.#body = body;
    this.#find = find;
  }
  get fields(): Model["fields"] {
    return this.#parsed().fields;
  }
  get always(): Model["always"] {
    return this.#parsed().always;
  }
  get wire(): Model["wire"] {
    return this.#parsed().wire;
  }

  #parsed(): Pick<Model, "fields" | "always" | "wire"> {
    if (this.#read) return this.#read;
    const fields = new Map<string, Field>();
    const wire = new Map<number, WireField>();
    for (const text of this.#body.split("; ")) {
      const [head, type, ...facts] = text.split(" ") as [string, string, ...string[]];
      const [, name, mark, number] = /^(.+?)([?!*~]?)=(\d+)$/.exec(head) as unknown as string[];
      if (mark === "~") {
        const inline = this.#model(type);
        for (const [n, f] of inline.fields) fields.set(n, f);
        wire.set(Number(number), { inline });
        continue;
      }
      const field = this.#field(name!, type, facts, zeroRules[mark!]!, Number(number));
      fields.set(name!, field);
      if (field.number > 0) wire.set(field.number, { field });
    }
    const always = [...fields.values()].filter(isAlways);
    this.#read = { fields, always, wire };
    return this.#read;
  }

  #model(type: string): Model {
    const full = /\..*\./.test(type) ? type : `${this.name.slice(0, this.name.lastIndexOf("."))}.${type}`;
    return this.#find(full);
  }

  #field(name: string, type: string, facts: string[], zero: ZeroRule, number: number): Field {
    const container = type.startsWith("[]") ? "list" : type.startsWith("{}") ? "map" : "none";
    const element = container === "none" ? type : type.slice(2);
    const scalar = scalars.has(element) ? (element as Scalar) : undefined;
    const model = scalar ? undefined : this.#model(element);
    const [, version] = (model?.name ?? "").split(".");
    let goType = scalar ? goScalars[scalar] : `${version}.${model!.shortName}`;
    if (container !== "none") goType = `${container === "list" ? "[]" : "map[string]"}${goType}`;
    const merge: { -readonly [K in keyof MergeFacts]: MergeFacts[K] } = {};
    for (const fact of facts) {
      const colon = fact.indexOf(":");
      const value = fact.slice(colon + 1);
      const word = colon < 0 ? fact : fact.slice(0, colon);
      if (word === "patch") merge.patchStrategy = value;
      else if (word === "key") merge.patchMergeKey = value;
      else if (word === "go") goType = value;
      else if (word === "set") merge.listType = "set";
      else if (word === "map") {
        merge.listType = "map";
        merge.listMapKeys = value.split("+");
      } else if (word === "atomic") {
        if (container === "list") merge.listType = "atomic";
        else merge.atomic = true;
      } else throw new Error(`schema: ${this.name}.${name}: unknown fact ${fact}`);
    }
    return { name, container, scalar, model, zero, number, goType, ...merge };
  }
}

/** Structs are always written, pointers to them when given; of scalars only those marked. */
function isAlways(f: Field): boolean {
  if (f.container !== "none" || f.zero === "keep" || f.zero === "omitStruct") return false;
  if (f.model) return !f.model.isList;
  return f.zero === "always" && ["string", "bool", "int32", "int64", "double"].includes(f.scalar!);
}

/** Makes a Schema of dist/schema.json's content. Costs little: messages are parsed when first asked for. */
export function loadSchema(data: SchemaData): Schema {
  const models = new Map<string, Model>();
  const find = (name: string): Model => {
    const model = models.get(name);
    if (!model) throw new Error(`schema: no message ${name}`);
    return model;
  };
  const names: string[] = [];
  for (const message of data.messages) {
    const model = new LazyModel(message, find);
    models.set(model.name, model);
    if (model.client !== "") models.set(model.client, model);
    names.push(model.name);
  }
  return {
    release: data.release,
    model: (name) => models.get(name),
    modelOfKind(apiVersion, kind) {
      const [version, group = "core"] = apiVersion.split("/").reverse() as [string, string?];
      return models.get(`${group.split(".")[0]}.${version}.${kind}`);
    },
    names,
  };
}
