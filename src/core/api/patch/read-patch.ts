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

type Keys = ReadonlyMap<object, readonly string[]>;

/** `duplicate field "spec.replicas"` for every key that repeats, in the order of the text. */
function duplicates(value: unknown, keys: Keys, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((v, i) => duplicates(v, keys, `${path}[${i}]`));
  const out: string[] = [];
  const seen = new Set<string>();
  for (const name of keys.get(value) ?? Object.keys(value)) {
    const here = path === "" ? name : `${path}.${name}`;
    if (seen.has(name)) out.push(`duplicate field "${here}"`);
    else out.push(...duplicates((value as Record<string, unknown>)[name], keys, here));
    seen.add(name);
  }
  return [...new Set(out)];
}

const operationFields = new Set(["op", "path", "from", "value"]);

/** What is unknown or repeated in the operations themselves; values are not looked into. */
function strangeOperations(operations: readonly object[], keys: Keys): string[] {
  return operations.flatMap((o, i) => {
    const seen = new Set<string>();
    const out = new Set<string>();
    for (const name of keys.get(o) ?? Object.keys(o)) {
      if (!operationFields.has(name)) out.add(`json patch unknown field "[${i}].${name}"`);
      else if (seen.has(name)) out.add(`json patch duplicate field "[${i}].${name}"`);
      seen.add(name);
    }
    return [...out];
  });
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
  const repeats = count !== countKeysInText(text);
  const slow = repeats ? parseJsonSlowly(text) : { value, keys: new Map<object, string[]>() };
  if (type === "json")
    return { value: slow.value, strictErrors: strangeOperations(slow.value as object[], slow.keys) };
  return { value: slow.value, strictErrors: repeats ? duplicates(slow.value, slow.keys) : [] };
}
