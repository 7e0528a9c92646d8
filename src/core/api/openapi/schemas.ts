// The component schemas of OpenAPI documents, from the schema's models and the client's descriptions.
import type { Field, Model, Scalar, Schema } from "../schema/mod.ts";
import { definitionName, groupOf, patchDefinition, scalarDefinitions } from "./definition-names.ts";

/** dist/descriptions.json, by message. */
export type Descriptions = Readonly<
  Record<
    string,
    { description: string; fields: Readonly<Record<string, string>>; required: readonly string[] }
  >
>;

export type Json = Record<string, unknown>;
export type Flavour = "v2" | "v3";

const plainTypes: Partial<Record<Scalar, Json>> = {
  string: { type: "string" },
  bool: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
};

function scalarSchemas(flavour: Flavour): Record<string, Json> {
  const either = (a: string, b: string, v2: Json): Json =>
    flavour === "v3" ? { oneOf: [{ type: a }, { type: b }] } : v2;
  return {
    [scalarDefinitions.Time!]: {
      description: "A moment in RFC 3339 form, in UTC and to the second.",
      type: "string",
      format: "date-time",
    },
    [scalarDefinitions.MicroTime!]: {
      description: "A moment in RFC 3339 form, in UTC and to the microsecond.",
      type: "string",
      format: "date-time",
    },
    [scalarDefinitions.FieldsV1!]: {
      description:
        "A set of fields as a tree: f:NAME is a field, k:{KEYS} an element of a keyed list, v:VALUE one of a set, and . the thing itself.",
      type: "object",
    },
    [scalarDefinitions.Quantity!]: {
      description: "An exact amount with a unit: 100m, 1.5, 2Gi, 12e6.",
      ...either("string", "number", { type: "string" }),
    },
    [scalarDefinitions.IntOrString!]: {
      description: "A number or a string, such as a port's number or its name.",
      format: "int-or-string",
      ...either("integer", "string", { type: "string" }),
    },
    [scalarDefinitions.RawExtension!]: { description: "An object of any kind.", type: "object" },
    [patchDefinition]: {
      description: "A change to an object, in the form that its media type says.",
      type: "object",
    },
  };
}

const listed = (f: Field): Json => {
  const out: Json = {};
  if (f.listMapKeys) out["x-kubernetes-list-map-keys"] = f.listMapKeys;
  if (f.listType) out["x-kubernetes-list-type"] = f.listType;
  if (f.atomic) out["x-kubernetes-map-type"] = "atomic";
  if (f.patchMergeKey) out["x-kubernetes-patch-merge-key"] = f.patchMergeKey;
  if (f.patchStrategy) out["x-kubernetes-patch-strategy"] = f.patchStrategy;
  return out;
};

/** Collects the schemas of messages, and of all that they refer to. */
export class SchemaCollector {
  readonly #schemas = new Map<string, Json>();
  readonly #flavour: Flavour;
  readonly #descriptions: Descriptions;
  readonly #scalars: Record<string, Json>;
  readonly #groupVersions: readonly { group: string; version: string }[];

  constructor(
    flavour: Flavour,
    descriptions: Descriptions,
    groupVersions: readonly { group: string; version: string }[],
  ) {
    this.#flavour = flavour;
    this.#descriptions = descriptions;
    this.#scalars = scalarSchemas(flavour);
    this.#groupVersions = groupVersions;
  }

  #reference(name: string): Json {
    const place = this.#flavour === "v3" ? "#/components/schemas/" : "#/definitions/";
    return { $ref: place + name };
  }

  patch(): Json {
    this.#schemas.set(patchDefinition, this.#scalars[patchDefinition]!);
    return this.#reference(patchDefinition);
  }

  /** A reference to the message; its schema is collected. */
  model(model: Model): Json {
    if (model.isList) return { type: "array", items: { type: "string" } };
    const name = definitionName(model);
    if (!this.#schemas.has(name)) {
      const schema: Json = {};
      this.#schemas.set(name, schema);
      Object.assign(schema, this.#message(model));
    }
    return this.#reference(name);
  }

  #message(model: Model): Json {
    const texts = Object.hasOwn(this.#descriptions, model.name) ? this.#descriptions[model.name] : undefined;
    const properties: Json = {};
    for (const name of [...model.fields.keys()].sort()) {
      const field = model.fields.get(name)!;
      const told = texts && Object.hasOwn(texts.fields, name) ? texts.fields[name]! : "";
      const own = told || this.#textOf(field.model);
      properties[name] = this.#property(field, this.#describeScalar(field, own));
    }
    const out: Json = { type: "object", properties };
    if (texts?.description) out.description = texts.description;
    if (texts && texts.required.length > 0) out.required = texts.required;
    if (model.atomic) out["x-kubernetes-map-type"] = "atomic";
    const kinds = this.#kinds(model);
    if (kinds.length > 0) out["x-kubernetes-group-version-kind"] = kinds;
    return out;
  }

  /** What a message says of itself: for fields of which the client says nothing, as it does of those that hold one. */
  #textOf(model: Model | undefined): string {
    if (!model || !Object.hasOwn(this.#descriptions, model.name)) return "";
    return this.#descriptions[model.name]!.description;
  }

  /** The client gives a field of such a type the type's own text: it goes where it belongs. */
  #describeScalar(field: Field, text: string): string {
    const name = field.scalar && scalarDefinitions[field.scalar];
    if (!name || !new RegExp(`^${field.scalar} (is|stores|represents) `).test(text)) return text;
    this.#scalars[name] = { ...this.#scalars[name], description: text };
    if (this.#schemas.has(name)) this.#schemas.set(name, this.#scalars[name]!);
    return "";
  }

  /** The kinds that a message is; kinds of meta (DeleteOptions, Status) are one in every group version. */
  #kinds(model: Model): Json[] {
    if (!model.fields.has("apiVersion") || !model.fields.has("kind")) return [];
    const kind = model.shortName;
    const group = groupOf(model);
    if (group !== undefined) {
      const isKind = model.fields.has("metadata");
      return isKind ? [{ group, kind, version: model.name.split(".")[1] }] : [];
    }
    if (kind === "DeleteOptions") return this.#groupVersions.map((gv) => ({ ...gv, kind }));
    return kind === "OwnerReference" ? [] : [{ group: "", kind, version: "v1" }];
  }

  #element(field: Field): Json {
    if (field.model) return this.model(field.model);
    const name = scalarDefinitions[field.scalar!];
    if (name === undefined) return plainTypes[field.scalar!]!;
    this.#schemas.set(name, this.#scalars[name]!);
    return this.#reference(name);
  }

  #property(field: Field, description: string): Json {
    const about: Json = description !== "" ? { description, ...listed(field) } : listed(field);
    const element = this.#element(field);
    if (field.container === "list") return { ...about, type: "array", items: element };
    if (field.container === "map") return { ...about, type: "object", additionalProperties: element };
    if (element.$ref === undefined || Object.keys(about).length === 0) return { ...about, ...element };
    // Siblings of a $ref are ignored in v3, so the reference moves inside.
    return this.#flavour === "v3" ? { ...about, allOf: [element] } : { ...about, ...element };
  }

  /** What was collected, by name. */
  schemas(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** The message of a kind in a group and version, if the schema has one. */
export function modelOfKind(
  schema: Schema,
  packageName: string,
  version: string,
  kind: string,
): Model | undefined {
  return schema.model(`${packageName}.${version}.${kind}`);
}
