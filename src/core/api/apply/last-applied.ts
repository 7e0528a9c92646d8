// How kubectl's users come from client-side to server-side apply: the annotation in which client-side apply remembers a
// configuration counts as ownership, and is kept in step (apimachinery managedfields: lastAppliedManager, lastAppliedUpdater).
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { DecodeTypeError, type Model, prune } from "../schema/mod.ts";
import type { KubeObject } from "../types.ts";
import { appliedFields, ConfigurationError } from "./applied-fields.ts";
import { compare } from "./compare.ts";
import { difference, type Fields, union } from "./fields.ts";

/** Only this manager is meant: who names another one opts out. */
export const annotatingManager = "kubectl";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";

/** Of all annotations together, in bytes. */
const sizeLimit = 256 * 1024;

const none: Fields = {};

function parseAnnotation(live: KubeObject): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(live.metadata.annotations?.[annotation] ?? "");
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The fields that client-side apply set and that are as it set them; none without a readable annotation of this version. */
export function fieldsOfLastApplied(model: Model, live: KubeObject | undefined, apiVersion: string): Fields {
  const applied = live && parseAnnotation(live);
  if (!applied || applied.apiVersion !== apiVersion) return none;
  try {
    const fields = appliedFields(model, applied);
    const { changed, removed } = compare(model, prune(model, applied).object, live);
    return difference(fields, union(changed, removed));
  } catch (e) {
    if (e instanceof ConfigurationError || e instanceof DecodeTypeError) return none;
    throw e;
  }
}

/** As Go writes JSON: keys sorted, what HTML would read escaped, a newline at the end. */
function goJson(value: unknown): string {
  const sorted = (v: unknown): unknown => {
    if (Array.isArray(v)) return v.map(sorted);
    if (!isJsonObject(v)) return v;
    return Object.fromEntries(
      Object.entries(v)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, x]) => [k, sorted(x)]),
    );
  };
  const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(sorted(value)).replace(/[<>&\u2028\u2029]/g, escaped)}\n`;
}

/**
 * The annotation's new text once `configuration` is applied: undefined where the object has none to keep in step, "" where
 * it would be too long and goes.
 */
export function nextLastApplied(object: KubeObject, configuration: JsonObject): string | undefined {
  const annotations = object.metadata.annotations;
  if (!annotations?.[annotation]) return undefined;
  const metadata = configuration.metadata;
  const own = isJsonObject(metadata) && isJsonObject(metadata.annotations) ? metadata.annotations : undefined;
  const { [annotation]: _, ...kept } = own ?? {};
  const text = goJson(
    own ? { ...configuration, metadata: { ...(metadata as JsonObject), annotations: kept } } : configuration,
  );
  const size = Object.entries({ ...annotations, [annotation]: text })
    .map(([k, v]) => Buffer.byteLength(k) + Buffer.byteLength(v))
    .reduce((a, b) => a + b, 0);
  return size > sizeLimit ? "" : text;
}

/** The object with that text; the same one where nothing changes. */
export function withLastApplied(object: KubeObject, text: string | undefined): KubeObject {
  const { [annotation]: before, ...others } = object.metadata.annotations ?? {};
  if (text === undefined || before === text) return object;
  const annotations = text === "" ? others : { ...object.metadata.annotations, [annotation]: text };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
