// Reads the body of a PATCH: JSON of the right outer type, repeated keys told of.
import { countKeys, countKeysInText, JsonSyntaxError, parseJsonSlowly } from "../schema/json-text.ts";
import { badRequest } from "../status.ts";

const goTypes = {
  json: "[]handlers.jsonPatchOp",
  merge: "map[string]interface {}",
  strategic: "map[string]interface {}",
} as const;

/** Merging recurses; no object of Kubernetes is nested nearly so deep. */
export const maxDepthOfPatch = 500;

const wordOf = (v: unknown): string =>
  Array.isArray(v) ? "array" : typeof v === "boolean" ? "bool" : typeof v;

/** `duplicate field "spec.replicas"` for every key that repeats. */
function duplicates(value: unknown, keys: ReadonlyMap<object, readonly string[]>, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  const out: string[] = [];
  const names = keys.get(value) ?? [];
  for (const name of new Set(names.filter((n, i) => names.indexOf(n) !== i)))
    out.push(`duplicate field "${path === "" ? name : `${path}.${name}`}"`);
  for (const [k, v] of Object.entries(value)) {
    const inner = Array.isArray(value) ? `${path}[${k}]` : path === "" ? k : `${path}.${k}`;
    out.push(...duplicates(v, keys, inner));
  }
  return out;
}

/** Throws StatusError 400 for what is no patch of its type. */
export function readPatch(
  text: string,
  type: keyof typeof goTypes,
): { value: unknown; strictErrors: string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    try {
      value = parseJsonSlowly(text).value;
    } catch (e) {
      if (e instanceof JsonSyntaxError) throw badRequest(`error decoding patch: ${e.message}`);
      throw e;
    }
  }
  const wrong = (came: string, wanted: string): Error =>
    badRequest(`error decoding patch: json: cannot unmarshal ${came} into Go value of type ${wanted}`);
  if (type === "json") {
    if (!Array.isArray(value)) throw wrong(wordOf(value), goTypes.json);
    for (const op of value)
      if (typeof op !== "object" || op === null || Array.isArray(op))
        throw wrong(wordOf(op), "handlers.jsonPatchOp");
  } else if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(wordOf(value), goTypes[type]);
  const count = countKeys(value, maxDepthOfPatch);
  if (count === undefined) throw badRequest("error decoding patch: exceeded max depth");
  if (count === countKeysInText(text)) return { value, strictErrors: [] };
  const slow = parseJsonSlowly(text);
  const prefix = type === "json" ? "json patch " : "";
  return { value: slow.value, strictErrors: duplicates(slow.value, slow.keys).map((e) => prefix + e) };
}
