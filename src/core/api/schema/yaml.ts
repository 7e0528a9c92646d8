// Reads a YAML body (application/yaml, application/apply-patch+yaml). Apart from the others because the parser is large:
// import it when the first such body comes.
import { parseDocument } from "yaml";
import { badRequest } from "../status.ts";

export interface ParsedYaml {
  readonly value: unknown;
  /** `yaml: unmarshal errors:\n  line 3: key "a" already set in map`, for strict decoding. */
  readonly strictErrors: string[];
}

/** YAML 1.2 with the limits of a request body: no aliases beyond a hundred. Throws StatusError 400. */
export function parseYaml(text: string): ParsedYaml {
  const doc = parseDocument(text, { uniqueKeys: false, merge: true, logLevel: "silent" });
  const error = doc.errors[0];
  if (error) {
    const line = error.linePos?.[0].line ?? 1;
    throw badRequest(
      `error converting YAML to JSON: yaml: line ${line}: ${error.message.split(" at line")[0]}`,
    );
  }
  const repeated = parseDocument(text, { uniqueKeys: true, logLevel: "silent" }).errors.filter(
    (e) => e.code === "DUPLICATE_KEY",
  );
  const lines = repeated.map((e) => {
    const key = /^["']?([^"':\n]+)["']?\s*:/.exec(text.slice(e.pos[0]))?.[1] ?? "";
    return `  line ${e.linePos?.[0].line ?? 1}: key ${JSON.stringify(key.trim())} already set in map`;
  });
  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: 100 });
  } catch (e) {
    throw badRequest(`error converting YAML to JSON: yaml: ${(e as Error).message}`);
  }
  return {
    value,
    strictErrors: lines.length > 0 ? [`yaml: unmarshal errors:\n${lines.join("\n")}`] : [],
  };
}
