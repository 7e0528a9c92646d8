// The Schema for tests: built into .build/schema when it is missing or older than what it is made from.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadSchema, type Schema } from "../../src/core/api/schema/mod.ts";

const dir = ".build/schema";
const sources = ["scripts/build-schema.mjs", "src/core/api/schema/messages.txt", "package-lock.json"];

async function build(): Promise<void> {
  const made = join(dir, ".made");
  const fresh = existsSync(made) && sources.every((f) => statSync(f).mtimeMs <= statSync(made).mtimeMs);
  if (fresh) return;
  const { buildSchema } = await import(pathToFileURL("scripts/build-schema.mjs").href);
  buildSchema(dir);
}

/** A file of the build, parsed: `schema.json` or `descriptions.json`. */
export async function testSchemaFile<T>(name: string): Promise<T> {
  await build();
  return JSON.parse(readFileSync(join(dir, name), "utf8"));
}

let schema: Promise<Schema> | undefined;

/** The real schema; tests run in the repository's root. */
export function testSchema(): Promise<Schema> {
  schema ??= testSchemaFile<Parameters<typeof loadSchema>[0]>("schema.json").then(loadSchema);
  return schema;
}
