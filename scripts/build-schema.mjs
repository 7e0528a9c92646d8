// Turns the official client's model declarations, joined with src/core/api/schema/messages.txt, into the data that the API
// server loads: dist/schema.json (structure, read at start) and dist/descriptions.json (texts, read when OpenAPI is asked for).
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function modelsDir() {
  const entry = createRequire(import.meta.url).resolve("@kubernetes/client-node");
  return join(dirname(entry), "gen/models");
}

const unescaped = (text) => text.replace(/\\(['"`\\])/g, "$1").trim();

/** One model: release, description, and per field its JSON name, whether it is required, and its description. */
function readModel(dir, name) {
  const js = readFileSync(join(dir, `${name}.js`), "utf8");
  const declared = readFileSync(join(dir, `${name}.d.ts`), "utf8");
  const start = js.indexOf("attributeTypeMap = [");
  if (start < 0) return undefined;
  const attributes = JSON.parse(js.slice(js.indexOf("[", start), js.indexOf("\n];", start) + 2));
  const release = /OpenAPI spec version: (?:release-|v)(\S+)/.exec(declared)?.[1];
  const head = /\/\*\*\n\* ([\s\S]*?)\n\*\/\nexport declare class/.exec(declared);
  const fields = new Map();
  const property = /^ {4}(?:\/\*\*\n {4}\* ([\s\S]*?)\n {4}\*\/\n {4})?'(\w+|[^']+)'(\?)?: /gm;
  for (const m of declared.matchAll(property))
    fields.set(m[2], { required: !m[3], description: m[1] ? unescaped(m[1]) : "" });
  return {
    release,
    description: head ? unescaped(head[1]) : "",
    fields: attributes.map((a) => {
      const found = fields.get(a.name);
      if (!found) throw new Error(`${name}.${a.name}: no declaration found`);
      return { name: a.baseName, ...found };
    }),
  };
}

function readTable() {
  const table = new Map();
  for (const line of readFileSync(join(root, "src/core/api/schema/messages.txt"), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name, flag = "", body] = /^(\S+)(?: (atomic|list))? = (.*)$/.exec(line);
    const fields = body.split("; ").map((text) => {
      const [, field, mark, number, rest] = /^([$\w-]+)([?!*~]?)=(\d+) (.*)$/.exec(text);
      return { field, mark, number, rest };
    });
    table.set(name, { name, flag, fields });
  }
  return table;
}

/** `CoreV1Event` is core.v1.Event; `V1Pod` is the Pod of the one v1 that has a Pod. */
function definitionOf(model, table) {
  const m = /^([A-Z][a-z]+)?(V\d+)([A-Z]\w*)$/.exec(model);
  if (!m) return undefined;
  const [, group, version, kind] = m;
  const hits = [...table.keys()].filter((name) => {
    const [g, v, k] = name.split(".");
    return k === kind && v === version.toLowerCase() && (!group || g === group.toLowerCase());
  });
  if (hits.length > 1) throw new Error(`${model} could be any of ${hits}`);
  return hits[0];
}

/** The JSON names of a message's fields, those of its inlined messages among them. */
function jsonFields(table, name) {
  const out = new Set();
  for (const { field, mark, rest } of table.get(name).fields) {
    if (mark !== "~") {
      out.add(field);
      continue;
    }
    const type = rest.split(" ")[0];
    const full = type.includes(".") ? type : `${name.split(".").slice(0, 2).join(".")}.${type}`;
    for (const f of jsonFields(table, full)) out.add(f);
  }
  return out;
}

/** Writes schema.json and descriptions.json into a directory. Throws where client and table contradict each other. */
export function buildSchema(distDir) {
  const dir = modelsDir();
  const table = readTable();
  const models = new Map();
  // The package carries models that an older release left behind.
  const { release } = readModel(dir, "V1Pod");
  for (const file of readdirSync(dir)) {
    const name = /^(\w+)\.js$/.exec(file)?.[1];
    const model = name && /V\d+[A-Z]/.test(name) ? readModel(dir, name) : undefined;
    const definition = model?.release === release && definitionOf(name, table);
    if (!definition) continue;
    if (models.has(definition))
      throw new Error(`${name} and ${models.get(definition).model}: both ${definition}`);
    models.set(definition, { model: name, ...model });
  }

  const messages = [];
  const descriptions = {};
  for (const { name, flag, fields } of table.values()) {
    const model = models.get(name);
    const known = new Map(model?.fields.map((f) => [f.name, f]));
    const out = fields.map((f) => `${f.field}${f.mark}=${f.number} ${f.rest}`);
    // Kinds carry apiVersion and kind beside their protobuf message.
    for (const field of ["apiVersion", "kind"])
      if (known.has(field) && !fields.some((f) => f.field === field)) out.push(`${field}=0 string`);
    messages.push([name, flag, model?.model ?? "", out.join("; ")]);
    if (!model) continue;
    const texts = Object.fromEntries(model.fields.map((f) => [f.name, f.description]));
    const required = model.fields.filter((f) => f.required).map((f) => f.name);
    descriptions[name] = { description: model.description, fields: texts, required };
    const own = jsonFields(table, name);
    for (const f of known.keys())
      if (!own.has(f) && f !== "apiVersion" && f !== "kind")
        throw new Error(`messages.txt lacks ${name}.${f}`);
  }
  mkdirSync(distDir, { recursive: true });
  const write = (name, value) => {
    // Renamed into place: tests that run side by side may build at once.
    const temporary = join(distDir, `.${name}.${process.pid}`);
    writeFileSync(temporary, value);
    renameSync(temporary, join(distDir, name));
  };
  write("schema.json", JSON.stringify({ release, messages }));
  write("descriptions.json", JSON.stringify(descriptions));
  write(".made", "");
}
