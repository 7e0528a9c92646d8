// The paths of a kind and what can be done there, before they are written in either OpenAPI's way.
import type { ResourceDefinition, SubresourceDefinition, Verb } from "../resource.ts";
import type { Model, Schema } from "../schema/mod.ts";
import { operationGroup, packageOf } from "./definition-names.ts";
import {
  deleteParameters,
  listParameters,
  nameParameter,
  namespaceParameter,
  type Parameter,
  patchParameters,
  pathParameter,
  pretty,
  writeParameters,
} from "./parameters.ts";
import { type Json, modelOfKind } from "./schemas.ts";

export interface Operation {
  readonly path: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly id: string;
  readonly description: string;
  /** x-kubernetes-action: list, get, post, put, patch, delete, deletecollection, connect. */
  readonly action: string;
  readonly kind: { group: string; version: string; kind: string };
  readonly pathParameters: readonly Parameter[];
  readonly parameters: readonly Parameter[];
  readonly body?: Model | "patch" | undefined;
  /** undefined: text. */
  readonly answer: Model | undefined;
  readonly codes: readonly number[];
}

/** What a document needs to know of a kind: part of a ResourceDefinition. */
export type DescribedKind = Pick<
  ResourceDefinition,
  "group" | "version" | "kind" | "plural" | "namespaced" | "model" | "verbs" | "subresources"
>;

const all: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

export const groupVersionPath = (group: string, version: string): string =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

/** Every operation on a kind and its subresources. Kinds without a model in the schema have none. */
export function operationsOf(def: DescribedKind, schema: Schema): Operation[] {
  const model = schema.model(def.model);
  if (!model) return [];
  const verbs = def.verbs ?? all;
  const root = groupVersionPath(def.group, def.version);
  const scope = def.namespaced ? "/namespaces/{namespace}" : "";
  const collection = `${root}${scope}/${def.plural}`;
  const item = `${collection}/{name}`;
  const scopeParameters = def.namespaced ? [namespaceParameter] : [];
  const itemParameters = [...scopeParameters, nameParameter];
  const kind = { group: def.group, version: def.version, kind: def.kind };
  const gv = operationGroup(def.group) + def.version[0]!.toUpperCase() + def.version.slice(1);
  const suffix = `${gv}${def.namespaced ? "Namespaced" : ""}${def.kind}`;
  const list = modelOfKind(schema, packageOf(def.group), def.version, `${def.kind}List`);
  const status = schema.model("meta.v1.Status");
  const options = schema.model("meta.v1.DeleteOptions");
  const out: Operation[] = [];
  const add = (verb: Verb, o: Omit<Operation, "kind">): void => {
    if (verbs.includes(verb)) out.push({ ...o, kind });
  };
  const at = { path: collection, pathParameters: scopeParameters };
  add("list", {
    ...at,
    method: "get",
    id: `list${suffix}`,
    description: `list or watch objects of kind ${def.kind}`,
    action: "list",
    parameters: [pretty, ...listParameters],
    answer: list,
    codes: [200],
  });
  add("create", {
    ...at,
    method: "post",
    id: `create${suffix}`,
    description: `create a ${def.kind}`,
    action: "post",
    parameters: [pretty, ...writeParameters],
    body: model,
    answer: model,
    codes: [200, 201, 202],
  });
  add("deletecollection", {
    ...at,
    method: "delete",
    id: `delete${gv}Collection${def.namespaced ? "Namespaced" : ""}${def.kind}`,
    description: `delete collection of ${def.kind}`,
    action: "deletecollection",
    parameters: [
      pretty,
      ...deleteParameters,
      ...listParameters.filter((p) => !/^(watch|allowWatch)/.test(p.name)),
    ],
    body: options,
    answer: status,
    codes: [200],
  });
  if (def.namespaced)
    add("list", {
      path: `${root}/${def.plural}`,
      pathParameters: [],
      method: "get",
      id: `list${gv}${def.kind}ForAllNamespaces`,
      description: `list or watch objects of kind ${def.kind}`,
      action: "list",
      parameters: [pretty, ...listParameters],
      answer: list,
      codes: [200],
    });
  const one = { path: item, pathParameters: itemParameters };
  add("get", {
    ...one,
    method: "get",
    id: `read${suffix}`,
    description: `read the specified ${def.kind}`,
    action: "get",
    parameters: [pretty],
    answer: model,
    codes: [200],
  });
  add("delete", {
    ...one,
    method: "delete",
    id: `delete${suffix}`,
    description: `delete a ${def.kind}`,
    action: "delete",
    parameters: [pretty, ...deleteParameters],
    body: options,
    answer: status,
    codes: [200, 202],
  });
  for (const [verb, change] of changes(def.kind, suffix, model)) add(verb, { ...one, ...change });
  for (const sub of def.subresources ?? [])
    out.push(...subresourceOperations(def, sub, item, suffix, itemParameters, schema));
  return out;
}

type Change = Omit<Operation, "kind" | "path" | "pathParameters">;

function changes(kind: string, suffix: string, model: Model | undefined): [Verb, Change][] {
  return [
    [
      "update",
      {
        method: "put",
        id: `replace${suffix}`,
        description: `replace the specified ${kind}`,
        action: "put",
        parameters: [pretty, ...writeParameters],
        body: model,
        answer: model,
        codes: [200, 201],
      },
    ],
    [
      "patch",
      {
        method: "patch",
        id: `patch${suffix}`,
        description: `partially update the specified ${kind}`,
        action: "patch",
        parameters: [pretty, ...patchParameters],
        body: "patch",
        answer: model,
        codes: [200, 201],
      },
    ],
  ];
}

const connecting = new Set(["attach", "exec", "portforward", "proxy"]);

function subresourceOperations(
  def: DescribedKind,
  sub: SubresourceDefinition,
  item: string,
  suffix: string,
  pathParameters: readonly Parameter[],
  schema: Schema,
): Operation[] {
  const group = sub.group ?? def.group;
  const version = sub.version ?? def.version;
  const kind = { group, version, kind: sub.kind };
  const name = sub.name[0]!.toUpperCase() + sub.name.slice(1);
  const path = `${item}/${sub.name}`;
  const found = modelOfKind(schema, packageOf(group), version, sub.kind);
  const model = found?.client ? found : undefined;
  const about = `${sub.name} of the specified ${def.kind}`;
  const base = { kind, path, pathParameters };
  if (connecting.has(sub.name)) {
    const connect = (at: string, parameters: readonly Parameter[], ending: string): Operation[] =>
      (["get", "post"] as const).map((method) => ({
        kind,
        path: at,
        pathParameters: parameters,
        method,
        id: `connect${method[0]!.toUpperCase()}${method.slice(1)}${suffix}${name}${ending}`,
        description: `connect to ${about}`,
        action: "connect",
        parameters: [],
        answer: undefined,
        codes: [200],
      }));
    const out = connect(path, pathParameters, "");
    if (sub.name === "proxy")
      out.push(...connect(`${path}/{path}`, [...pathParameters, pathParameter], "WithPath"));
    return out;
  }
  const out: Operation[] = [];
  if (sub.verbs.includes("get"))
    out.push({
      ...base,
      method: "get",
      id: `read${suffix}${name}`,
      description: `read ${about}`,
      action: "get",
      parameters: [pretty],
      answer: sub.name === "log" ? undefined : model,
      codes: [200],
    });
  if (sub.verbs.includes("create"))
    out.push({
      ...base,
      method: "post",
      id: `create${suffix}${name}`,
      description: `create ${about}`,
      action: "post",
      parameters: [pretty, ...writeParameters],
      body: model,
      answer: model,
      codes: [200, 201, 202],
    });
  for (const [verb, change] of changes(about, `${suffix}${name}`, model))
    if (sub.verbs.includes(verb)) out.push({ ...base, ...change });
  return out;
}

/** x-kubernetes-action and x-kubernetes-group-version-kind. */
export function extensionsOf(o: Operation): Json {
  return { "x-kubernetes-action": o.action, "x-kubernetes-group-version-kind": o.kind };
}
