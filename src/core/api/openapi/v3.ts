// OpenAPI v3: one document a group version, and the index of them (KEP-2896).
import { createHash } from "node:crypto";
import type { Schema } from "../schema/mod.ts";
import { operationGroup } from "./definition-names.ts";
import {
  type DescribedKind,
  extensionsOf,
  groupVersionPath,
  type Operation,
  operationsOf,
} from "./operations.ts";
import type { Parameter } from "./parameters.ts";
import { type Descriptions, type Json, SchemaCollector } from "./schemas.ts";

export interface OpenApiSource {
  readonly schema: Schema;
  readonly descriptions: Descriptions;
  readonly definitions: readonly DescribedKind[];
}

/** What changes when documents of the same kinds are written differently. */
const revision = 1;

const answerTypes = [
  "application/json",
  "application/json;stream=watch",
  "application/vnd.kubernetes.protobuf",
  "application/vnd.kubernetes.protobuf;stream=watch",
  "application/yaml",
];
const patchTypes = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

export function groupVersionsOf(definitions: readonly DescribedKind[]): { group: string; version: string }[] {
  const seen = new Map(definitions.map((d) => [groupVersionPath(d.group, d.version), d]));
  return [...seen.values()].map(({ group, version }) => ({ group, version }));
}

/** The index, by path without its first slash; the hash in each address changes with the documents. */
export function openApiV3Index(source: Pick<OpenApiSource, "schema" | "definitions">): Json {
  const paths: Json = {};
  for (const { group, version } of groupVersionsOf(source.definitions)) {
    const path = groupVersionPath(group, version).slice(1);
    const kinds = source.definitions
      .filter((d) => d.group === group && d.version === version)
      .map((d) => [d.kind, d.plural, d.model, d.verbs, d.subresources]);
    const facts = JSON.stringify([revision, source.schema.release, source.schema.names.length, kinds]);
    const hash = createHash("sha256").update(facts).digest("hex").toUpperCase();
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  return { paths };
}

const parameter = (p: Parameter): Json => ({
  name: p.name,
  in: p.in,
  description: p.description,
  ...(p.in === "path" ? { required: true } : {}),
  schema: { type: p.type, uniqueItems: true },
});

function operation(o: Operation, schemas: SchemaCollector): Json {
  const answer = o.answer ? schemas.model(o.answer) : { type: "string" };
  const types = o.answer
    ? answerTypes.filter((t) => o.action === "list" || !t.includes("watch"))
    : o.action === "connect"
      ? ["*/*"]
      : ["text/plain"];
  const content = Object.fromEntries(types.map((t) => [t, { schema: answer }]));
  const responses: Json = {};
  for (const code of o.codes)
    responses[code] = { description: { 200: "OK", 201: "Created", 202: "Accepted" }[code], content };
  responses[401] = { description: "Unauthorized" };
  const out: Json = {
    tags: [
      `${operationGroup(o.kind.group)[0]!.toLowerCase()}${operationGroup(o.kind.group).slice(1)}_${o.kind.version}`,
    ],
    description: o.description,
    operationId: o.id,
    parameters: o.parameters.map(parameter),
    responses,
    ...extensionsOf(o),
  };
  if (o.body === "patch") {
    const schema = schemas.patch();
    out.requestBody = { required: true, content: Object.fromEntries(patchTypes.map((t) => [t, { schema }])) };
  } else if (o.body) {
    const schema = schemas.model(o.body);
    out.requestBody = {
      content: { "*/*": { schema } },
      ...(o.method === "delete" ? {} : { required: true }),
    };
  }
  return out;
}

/** The document of one group version; undefined when it is not served. */
export function openApiV3Document(source: OpenApiSource, group: string, version: string): Json | undefined {
  const definitions = source.definitions.filter((d) => d.group === group && d.version === version);
  if (definitions.length === 0) return undefined;
  const schemas = new SchemaCollector("v3", source.descriptions, groupVersionsOf(source.definitions));
  const paths: Record<string, Json> = {};
  for (const def of definitions)
    for (const o of operationsOf(def, source.schema)) {
      paths[o.path] ??= o.pathParameters.length > 0 ? { parameters: o.pathParameters.map(parameter) } : {};
      paths[o.path]![o.method] = operation(o, schemas);
    }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: `v${source.schema.release}.0` },
    paths,
    components: {
      schemas: schemas.schemas(),
      securitySchemes: {
        BearerToken: {
          type: "apiKey",
          description: "Bearer Token authentication",
          name: "authorization",
          in: "header",
        },
      },
    },
    security: [{ BearerToken: [] }],
  };
}
