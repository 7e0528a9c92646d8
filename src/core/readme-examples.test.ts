// The examples in the READMEs of core/ are executed: a line `expression; // value`, or a sentence "Example: `expression` is
// `value`", has to hold. Where the value has an ellipsis, only what is written is compared.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { testSchema, testSchemaFile } from "../../test/support/schema.ts";
import { definitions } from "./api/kinds/mod.ts";

/** What examples speak of without making it themselves, by folder. */
const world: Record<string, Record<string, unknown>> = {
  "api/kinds": {
    service: { metadata: { name: "web", namespace: "default" }, spec: {} },
    now: "2026-01-01T00:00:00Z",
    user: { name: "admin", groups: [] },
  },
  "api/kinds/event": { event: { metadata: { name: "web.1" }, involvedObject: {} } },
  "api/kinds/service": { s: { spec: { type: "NodePort" } }, old: undefined },
  "api/openapi": {
    schema: await testSchema(),
    descriptions: await testSchemaFile("descriptions.json"),
    definitions,
  },
  "api/selector": { deployment: { spec: { selector: { matchLabels: { app: "web" } } } } },
};

interface Example {
  expression: string;
  value: string;
}

const fence = /```ts\n(.*?)```/gs;
const declaration = /^const (?:(?!\/\/).)*?;$/gms;
const statement = /^(?!const |[)\]}])([^\s/].*);? \/\/ (.*)$/gm;

/** The longest beginning of the comment that is a value written in JavaScript; undefined when it only says something. */
function valueIn(comment: string): string | undefined {
  if (!/^["[{0-9-]|^(true|false|undefined)\b/.test(comment)) return undefined;
  for (let end = comment.length; end > 0; end--) {
    if (!/^($|[ :,])/.test(comment.slice(end))) continue;
    const text = comment.slice(0, end);
    try {
      read(text);
      return text;
    } catch {}
  }
  return undefined;
}

/** Evaluates, with an ellipsis for what is left out. */
function read(text: string): unknown {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|(?:, )?\w+: …|(?:, )?…/g, (m) => (m.startsWith('"') ? m : ""));
  return new Function(`return (${bare})`)();
}

/** Fails unless everything that `expected` writes is in `actual`. */
function holds(actual: unknown, expected: unknown, partial: boolean): void {
  if (typeof expected === "string" && expected.includes("…"))
    assert.ok(String(actual).startsWith(expected.slice(0, expected.indexOf("…"))), String(actual));
  else if (partial && typeof expected === "object" && expected !== null)
    for (const [key, value] of Object.entries(expected))
      holds((actual as Record<string, unknown>)[key], value, partial);
  else assert.deepEqual(actual, expected);
}

function* readmes(dir: string): Generator<string> {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (e.isDirectory()) yield* readmes(join(dir, e.name));
    else if (e.name === "README.md") yield join(dir, e.name);
  }
}

function examplesOf(text: string): { given: string[]; examples: Example[] } {
  const given: string[] = [];
  const examples: Example[] = [];
  const add = (expression: string, comment: string): void => {
    const value = valueIn(comment);
    if (value !== undefined) examples.push({ expression: expression.replace(/;$/, ""), value });
  };
  for (const [, block] of text.matchAll(fence)) {
    given.push(...(block!.match(declaration) ?? []));
    for (const [, expression, comment] of block!.matchAll(statement)) add(expression!, comment!);
  }
  for (const m of text.matchAll(/^Example: `([^`]+)` is `([^`]+)`/gm)) add(m[1]!, m[2]!);
  return { given, examples };
}

/** What a folder's door lets out; of the contracts, which have none, every file. */
async function exportsOf(folder: string): Promise<object> {
  const files = readdirSync(join("src/core", folder)).filter(
    (f) => f.endsWith(".ts") && !f.endsWith(".test.ts"),
  );
  const opened = files.includes("mod.ts") ? ["mod.ts"] : files;
  const urls = opened.map((f) => new URL(`./${folder}/${f.replace(/ts$/, "js")}`, import.meta.url).href);
  return Object.assign({}, ...(await Promise.all(urls.map((url) => import(url)))));
}

const withoutTypes = (code: string): string => code.replace(/([\w)\]])!(?=[).,;[])/g, "$1");

let checked = 0;
for (const path of readmes("src/core")) {
  const { given, examples } = examplesOf(readFileSync(path, "utf8"));
  if (examples.length === 0) continue;
  const folder = dirname(path).slice("src/core/".length);
  const names = { ...(await exportsOf(folder)), ...world[folder] };
  for (const { expression, value } of examples) {
    checked++;
    test(`${folder}: ${expression}`, () => {
      const needed = given.filter((d) =>
        new RegExp(`\\b${/^const \{? ?(\w+)/.exec(d)?.[1]}\\b`).test(expression),
      );
      const code = withoutTypes(`${needed.join("\n")}\nreturn (${expression});`);
      const actual: unknown = new Function(...Object.keys(names), code)(...Object.values(names));
      holds(actual, read(value), value.includes("…"));
    });
  }
}

test("there are examples", () => assert.ok(checked >= 18, `only ${checked}`));
