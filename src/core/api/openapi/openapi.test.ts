import assert from "node:assert/strict";
import { test } from "node:test";
import { testSchema, testSchemaFile } from "../../../../test/support/schema.ts";
import { definitions } from "../kinds/mod.ts";
import {
  type Descriptions,
  encodeOpenApiV2,
  openApiV2Document,
  openApiV3Document,
  openApiV3Index,
} from "./mod.ts";

// biome-ignore lint/suspicious/noExplicitAny: documents are walked freely.
type Any = any;
const descriptions = await testSchemaFile<Descriptions>("descriptions.json");
const source = { schema: await testSchema(), descriptions, definitions };
const versions = [...new Set(definitions.map((d) => `${d.group}/${d.version}`))].map((gv) => gv.split("/"));
const v3 = new Map<string, Any>(
  versions.map(([group, version]) => [`${group}/${version}`, openApiV3Document(source, group!, version!)]),
);
const v2: Any = openApiV2Document(source);

function* references(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [k, v] of Object.entries(value)) {
    if (k === "$ref" && typeof v === "string") yield v;
    else yield* references(v);
  }
}

test("every reference leads somewhere, in every document", () => {
  for (const [name, document] of [...v3, ["v2", v2] as const]) {
    let n = 0;
    for (const ref of references(document)) {
      const place = ref.slice(2).split("/");
      const found = place.reduce((at: Any, part) => at?.[part], document);
      assert.ok(found, `${name}: ${ref}`);
      n++;
    }
    assert.ok(n > 50, name);
  }
});

test("the index names every group version that is served", () => {
  const { paths } = openApiV3Index(source) as Any;
  assert.match(paths["api/v1"].serverRelativeURL, /^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{64}$/);
  assert.equal(Object.keys(paths).length, versions.length);
  assert.equal(openApiV3Document(source, "nope", "v1"), undefined);
});

test("PATCH of every kind that is written lists what kubectl looks for", () => {
  for (const def of definitions) {
    if (def.verbs && !def.verbs.includes("patch")) continue;
    const document = v3.get(`${def.group}/${def.version}`)!;
    const root = def.group === "" ? `/api/${def.version}` : `/apis/${def.group}/${def.version}`;
    const path = `${root}${def.namespaced ? "/namespaces/{namespace}" : ""}/${def.plural}/{name}`;
    const patch = document.paths[path].patch;
    assert.deepEqual(patch["x-kubernetes-group-version-kind"], {
      group: def.group,
      version: def.version,
      kind: def.kind,
    });
    const names = patch.parameters.map((p: Any) => p.name);
    for (const name of ["fieldValidation", "dryRun", "fieldManager", "force"])
      assert.ok(names.includes(name), path);
    assert.ok(patch.requestBody.content["application/strategic-merge-patch+json"], path);
    const inV2 = v2.paths[path].patch.parameters.map((p: Any) => p.name);
    assert.ok(inV2.includes("fieldValidation"), path);
  }
});

test("operation ids are unique", () => {
  const ids = Object.values(v2.paths as Any).flatMap((item: Any) =>
    Object.values(item).flatMap((o: Any) => o.operationId ?? []),
  );
  assert.equal(new Set(ids).size, ids.length);
});

test("schemas carry merge facts, kinds and descriptions", () => {
  const schemas = v3.get("/v1")!.components.schemas;
  const spec = schemas["io.k8s.api.core.v1.PodSpec"];
  assert.deepEqual(spec.properties.containers["x-kubernetes-list-map-keys"], ["name"]);
  assert.equal(spec.properties.containers["x-kubernetes-patch-strategy"], "merge");
  assert.deepEqual(spec.required, ["containers"]);
  assert.match(spec.properties.hostname.description, /hostname/);
  // A field of which the client says nothing has what its type says of itself.
  const affinity = schemas["io.k8s.api.core.v1.PodSpec"].properties.affinity;
  assert.deepEqual(affinity.allOf, [{ $ref: "#/components/schemas/io.k8s.api.core.v1.Affinity" }]);
  assert.equal(affinity.description, schemas["io.k8s.api.core.v1.Affinity"].description);
  const port = schemas["io.k8s.api.core.v1.ServicePort"].properties.targetPort;
  assert.deepEqual(port, { $ref: "#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString" });
  assert.deepEqual(schemas["io.k8s.api.core.v1.Pod"]["x-kubernetes-group-version-kind"], [
    { group: "", kind: "Pod", version: "v1" },
  ]);
  assert.equal(
    v2.definitions["io.k8s.api.core.v1.ServiceSpec"].properties.ports["x-kubernetes-patch-merge-key"],
    "port",
  );
  const inlined = schemas["io.k8s.api.core.v1.Volume"].properties;
  assert.ok(inlined.configMap && inlined.name);
});

test("the protobuf form holds every path and definition", () => {
  const bytes = encodeOpenApiV2(v2);
  for (const text of [...Object.keys(v2.paths), ...Object.keys(v2.definitions)])
    assert.ok(bytes.includes(text), text);
});
