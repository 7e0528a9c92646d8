// From a request's body to the object it means: media type, syntax, kind and version (apiserver's decoders and their messages).
import { parseAllDocuments } from "yaml";
import type { ResourceDefinition } from "../../core/api/resource.ts";
import { badRequest, unsupportedMediaType } from "../../core/api/status.ts";
import type { KubeObject } from "../../core/api/types.ts";
import { apiVersionOfDefinition } from "./registry.ts";

const accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

export type BodyMedia = "json" | "yaml" | "protobuf";

export function bodyMedia(contentType: string | undefined): BodyMedia {
  const type = (contentType ?? "application/json").split(";")[0]!.trim().toLowerCase();
  if (type === "application/json" || type === "") return "json";
  if (type === "application/yaml" || type === "text/yaml") return "yaml";
  if (type === "application/vnd.kubernetes.protobuf") return "protobuf";
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

/** The start of a body that could not be read, for the message. */
function summary(body: Buffer): string {
  const limit = 78;
  if (body.length === 0) return "<empty>";
  if (body[0] === 0x7b) {
    const text = body.toString();
    return text.length > limit ? `${text.slice(0, limit)} ...` : text;
  }
  const hex = body.toString("hex");
  return hex.length > limit ? `${hex.slice(0, limit)} ...` : hex;
}

function syntaxError(kind: string, why: string, body: Buffer): Error {
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why} (${summary(body)})`,
  );
}

/** The body as plain data. Throws StatusError 400. */
export function parseBody(body: Buffer, media: "json" | "yaml", kind: string): unknown {
  if (media === "json") {
    try {
      return JSON.parse(body.toString());
    } catch (error) {
      throw syntaxError(kind, goSyntaxError(body.toString(), error), body);
    }
  }
  const documents = parseAllDocuments(body.toString(), {
    schema: "core",
    logLevel: "silent",
    maxAliasCount: 100,
  } as never);
  const first = Array.isArray(documents) ? documents[0] : undefined;
  if (first && first.errors.length > 0)
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): error converting YAML to JSON: ${first.errors[0]!.message} (${summary(body)})`,
    );
  try {
    return first?.toJS({ maxAliasCount: 100 }) ?? null;
  } catch (error) {
    throw badRequest(
      `error converting YAML to JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** V8's complaint in the words of Go's encoding/json, as near as it tells. */
function goSyntaxError(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (text.trim() === "" || /Unexpected end/.test(message) || /Unterminated string/.test(message))
    return "unexpected end of JSON input";
  const at = /at position (\d+)/.exec(message);
  if (!at) return message;
  const position = Number(at[1]);
  const c = text[position] ?? "";
  const shown = c === "'" ? `'\\''` : `'${JSON.stringify(c).slice(1, -1).replace('\\"', '"')}'`;
  const before = text.slice(0, position).trimEnd().at(-1);
  if (/Expected property name/.test(message) || /double-quoted property name/.test(message))
    return `invalid character ${shown} looking for beginning of object key string`;
  if (/Expected ',' or '}'/.test(message)) return `invalid character ${shown} after object key:value pair`;
  if (/Expected ',' or ']'/.test(message)) return `invalid character ${shown} after array element`;
  if (/Expected ':'/.test(message)) return `invalid character ${shown} after object key`;
  if (/after JSON/.test(message)) return `invalid character ${shown} after top-level value`;
  if (before === "," && c === "}")
    return `invalid character ${shown} looking for beginning of object key string`;
  return `invalid character ${shown} looking for beginning of value`;
}

const isRecord = (v: unknown): v is Record<string, unknown> =>
  typeof v === "object" && v !== null && !Array.isArray(v);

/** `value` as an object of the definition's kind; its own word on kind and version must agree. */
export function asObjectOf(
  def: Pick<ResourceDefinition, "group" | "version" | "kind">,
  value: unknown,
): KubeObject {
  const apiVersion = apiVersionOfDefinition(def);
  if (!isRecord(value))
    throw badRequest(
      `${def.kind} in version "${def.version}" cannot be handled as a ${def.kind}: json: cannot unmarshal ${jsonType(value)} into Go value of type ${def.version}.${def.kind}`,
    );
  const gotKind = value.kind;
  const gotVersion = value.apiVersion;
  if (gotVersion !== undefined && gotVersion !== null && gotVersion !== "" && gotVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${String(gotVersion)}) does not match the expected API version (${apiVersion})`,
    );
  if (gotKind !== undefined && gotKind !== null && gotKind !== "" && gotKind !== def.kind)
    throw badRequest(
      `${String(gotKind)} in version "${def.version}" cannot be handled as a ${def.kind}: converting (${def.version}.${String(gotKind)}) to (${def.version}.${def.kind}): unknown conversion`,
    );
  const metadata = value.metadata;
  if (metadata !== undefined && metadata !== null && !isRecord(metadata))
    throw badRequest(
      `${def.kind} in version "${def.version}" cannot be handled as a ${def.kind}: json: cannot unmarshal ${jsonType(metadata)} into Go struct field ${def.kind}.metadata of type v1.ObjectMeta`,
    );
  const obj = value as unknown as KubeObject;
  obj.apiVersion = apiVersion;
  obj.kind = def.kind;
  obj.metadata = (metadata ?? {}) as KubeObject["metadata"];
  return obj;
}

export function jsonType(v: unknown): string {
  if (v === null || v === undefined) return "null";
  if (Array.isArray(v)) return "array";
  if (typeof v === "boolean") return "bool";
  return typeof v;
}
