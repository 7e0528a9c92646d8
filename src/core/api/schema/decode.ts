// From a request body to an object of the kind that was asked for, or the refusal that kube-apiserver would give
// (apimachinery runtime/serializer/json, apiserver endpoints/handlers; API reference, fieldValidation).
import { badRequest } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { countKeysInText, JsonSyntaxError, parseJsonSlowly } from "./json-text.ts";
import { DecodeTypeError, type Pruned, prune, pruneMap } from "./prune.ts";
import type { Model } from "./schema.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** The kind that the endpoint takes. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly model: Model;
  /** Whether there is such a kind at all; without it none but this one is known. */
  readonly isKnown?: (apiVersion: string, kind: string) => boolean;
}

export interface Decoded {
  /** Canonical: unknown fields dropped, zero values left out; apiVersion and kind are set. */
  readonly object: KubeObject;
  /** With fieldValidation Warn: what the `Warning: 299` headers say. */
  readonly warnings: string[];
}

const apiVersion = (e: ExpectedKind): string => (e.group === "" ? e.version : `${e.group}/${e.version}`);

/** The start of a body for a message, as kube-apiserver shows it: text that begins an object, else hexadecimal. */
function summary(text: string): string {
  if (text === "") return "<empty>";
  const bytes = Buffer.from(text);
  const head = bytes.subarray(0, 30);
  const shown = text.startsWith("{") ? head.toString() : head.toString("hex");
  return bytes.length > 30 ? `${shown} ...` : shown;
}

function unrecognized(expected: ExpectedKind, why: string, body: string | (() => string)): Error {
  const text = typeof body === "string" ? body : body();
  return badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(text)})`,
  );
}

function cannotBeHandled(kind: string, version: string, expected: ExpectedKind, why: string): Error {
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${expected.kind}: ${why}`);
}

const goKindStruct =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function kindOf(
  value: unknown,
  expected: ExpectedKind,
  text: string | (() => string),
): { kind: string; apiVersion: string } {
  const prefix = "couldn't get version/kind; json parse error: json: cannot unmarshal";
  const word = (v: unknown): string =>
    Array.isArray(v) ? "array" : typeof v === "boolean" ? "bool" : typeof v;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    if (value === null) return { kind: "", apiVersion: "" };
    throw unrecognized(expected, `${prefix} ${word(value)} into Go value of type ${goKindStruct}`, text);
  }
  const out = { kind: "", apiVersion: "" };
  for (const name of ["apiVersion", "kind"] as const) {
    const v = (value as Record<string, unknown>)[name] ?? "";
    if (typeof v !== "string")
      throw unrecognized(expected, `${prefix} ${word(v)} into Go struct field .${name} of type string`, text);
    out[name] = v;
  }
  return out;
}

/** Refuses a body of another kind or version than the endpoint's. An absent kind or version is the endpoint's. */
function checkKind(value: unknown, expected: ExpectedKind, text: string | (() => string)): void {
  const found = kindOf(value, expected, text);
  const want = apiVersion(expected);
  const foundVersion = found.apiVersion === "" ? want : found.apiVersion;
  const kind = found.kind === "" ? expected.kind : found.kind;
  if (kind === expected.kind && foundVersion === want) return;
  const parts = foundVersion.split("/");
  if (parts.length > 2) throw unrecognized(expected, `unexpected GroupVersion string: ${foundVersion}`, text);
  const version = parts.at(-1)!;
  if (kind === expected.kind)
    throw badRequest(
      `the API version in the data (${foundVersion}) does not match the expected API version (${want})`,
    );
  const why = expected.isKnown?.(foundVersion, kind)
    ? `converting (${version}.${kind}) to (${expected.model.name.split(".")[0]}.${expected.kind}): unknown conversion`
    : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(foundVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  throw cannotBeHandled(kind, version, expected, why);
}

/** Strict errors one warning each; the YAML parser's list of lines is taken apart. */
export function asWarnings(strictErrors: readonly string[]): string[] {
  return strictErrors.flatMap((e) =>
    e.includes("yaml: unmarshal errors:\n")
      ? e
          .split("\n")
          .slice(1)
          .map((line) => line.trim())
      : [e],
  );
}

/** Applies the outcome of strict decoding: refuses, or hands back what to warn of. */
function heed(pruned: Pruned, mode: FieldValidation, expected: ExpectedKind): Decoded {
  const object = pruned.object as unknown as KubeObject;
  object.apiVersion = apiVersion(expected);
  object.kind = expected.kind;
  if (mode === "Ignore" || pruned.strictErrors.length === 0) return { object, warnings: [] };
  if (mode === "Warn") return { object, warnings: asWarnings(pruned.strictErrors) };
  throw cannotBeHandled(
    expected.kind,
    expected.version,
    expected,
    `strict decoding error: ${pruned.strictErrors.join(", ")}`,
  );
}

function guarded<T>(expected: ExpectedKind, act: () => T): T {
  try {
    return act();
  } catch (e) {
    if (e instanceof DecodeTypeError)
      throw cannotBeHandled(expected.kind, expected.version, expected, e.message);
    throw e;
  }
}

/** Decodes a JSON body. Throws StatusError 400. */
export function decodeJson(text: string, expected: ExpectedKind, mode: FieldValidation): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    try {
      parseJsonSlowly(text);
    } catch (e) {
      if (!(e instanceof JsonSyntaxError)) throw e;
      throw unrecognized(expected, `couldn't get version/kind; json parse error: ${e.message}`, text);
    }
    throw unrecognized(expected, "couldn't get version/kind; json parse error: invalid JSON", text);
  }
  checkKind(value, expected, text);
  return guarded(expected, () => {
    const pruned = prune(expected.model, value);
    if (mode === "Ignore" || countKeysInText(text) === pruned.keys) return heed(pruned, mode, expected);
    try {
      const slow = parseJsonSlowly(text);
      return heed(prune(expected.model, slow.value, slow.keys), mode, expected);
    } catch (e) {
      if (e instanceof JsonSyntaxError) throw unrecognized(expected, e.message, text);
      throw e;
    }
  });
}

/**
 * Decodes a value that is already parsed (YAML, protobuf, a patched object). `strictErrors` are what the parser found
 * before. Throws StatusError 400.
 */
export function decodeValue(
  value: unknown,
  expected: ExpectedKind,
  mode: FieldValidation,
  strictErrors: readonly string[] = [],
): Decoded {
  checkKind(value, expected, () => JSON.stringify(value) ?? "");
  return guarded(expected, () => {
    const pruned = pruneMap(expected.model, value);
    return heed({ ...pruned, strictErrors: [...strictErrors, ...pruned.strictErrors] }, mode, expected);
  });
}
