// JSON Merge Patch (RFC 7386): null removes, objects merge, anything else replaces. The document given is never changed.
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { setOwn } from "../schema/json-text.ts";

export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const out: JsonObject = isJsonObject(document) ? { ...document } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete out[key];
    else setOwn(out, key, applyMergePatch(Object.hasOwn(out, key) ? out[key] : undefined, value));
  }
  return out;
}
