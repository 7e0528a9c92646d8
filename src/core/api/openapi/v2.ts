// OpenAPI v2 (Swagger): one JSON document of everything that is served.

import { operationGroup } from "./definition-names.ts";
import { extensionsOf, type Operation, operationsOf } from "./operations.ts";
import type { Parameter } from "./parameters.ts";
import { type Json, SchemaCollector } from "./schemas.ts";
import { groupVersionsOf, type OpenApiSource } from "./v3.ts";

const produced = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const consumedByPatch = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

const parameter = (p: Parameter): Json => ({
  name: p.name,
  in: p.in,
  description: p.description,
  type: p.type,
  uniqueItems: true,
  ...(p.in === "path" ? { required: true } : {}),
});

class Document {
  readonly parameters: Record<string, Json> = {};
  readonly paths: Record<string, Json> = {};
  readonly schemas: SchemaCollector;

  constructor(schemas: SchemaCollector) {
    this.schemas = schemas;
  }

  #shared(p: Parameter): Json {
    this.parameters[p.name] ??= parameter(p);
    return { $ref: `#/parameters/${p.name}` };
  }

  add(o: Operation): void {
    const schema = o.answer ? this.schemas.model(o.answer) : { type: "string" };
    const responses: Json = {};
    for (const code of o.codes)
      responses[code] = { description: { 200: "OK", 201: "Created", 202: "Accepted" }[code], schema };
    responses[401] = { description: "Unauthorized" };
    // Older clients look for fieldValidation and dryRun on PATCH and follow no references.
    const parameters = o.parameters.map((p) => (o.method === "patch" ? parameter(p) : this.#shared(p)));
    if (o.body) {
      const body = o.body === "patch" ? this.schemas.patch() : this.schemas.model(o.body);
      parameters.unshift({
        name: "body",
        in: "body",
        schema: body,
        ...(o.method === "delete" ? {} : { required: true }),
      });
    }
    const tag = operationGroup(o.kind.group);
    this.paths[o.path] ??=
      o.pathParameters.length > 0 ? { parameters: o.pathParameters.map((p) => this.#shared(p)) } : {};
    this.paths[o.path]![o.method] = {
      tags: [`${tag[0]!.toLowerCase()}${tag.slice(1)}_${o.kind.version}`],
      description: o.description,
      operationId: o.id,
      consumes: o.body === "patch" ? consumedByPatch : ["*/*"],
      produces: o.answer ? produced : o.action === "connect" ? ["*/*"] : ["text/plain"],
      schemes: ["https"],
      parameters,
      responses,
      ...extensionsOf(o),
    };
  }
}

export function openApiV2Document(source: OpenApiSource): Json {
  const schemas = new SchemaCollector("v2", source.descriptions, groupVersionsOf(source.definitions));
  const document = new Document(schemas);
  for (const def of source.definitions) for (const o of operationsOf(def, source.schema)) document.add(o);
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: `v${source.schema.release}.0` },
    paths: document.paths,
    definitions: schemas.schemas(),
    parameters: document.parameters,
    securityDefinitions: {
      BearerToken: {
        description: "Bearer Token authentication",
        type: "apiKey",
        name: "authorization",
        in: "header",
      },
    },
    security: [{ BearerToken: [] }],
  };
}
