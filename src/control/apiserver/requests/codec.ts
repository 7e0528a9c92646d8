// Request bodies to objects: media type, then strict decoding by the kind's schema. What is wrong with a body is said in
// kube-apiserver's words (core/api/schema, core/api/patch).
import { decodeProtobuf } from "../../../core/api/protobuf/mod.ts";
import {
  type Decoded,
  decodeJson,
  decodeValue,
  type ExpectedKind,
  type Schema,
} from "../../../core/api/schema/mod.ts";
import { unsupportedMediaType } from "../../../core/api/status.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { FieldValidation } from "../context.ts";

/** A kind as a body may be of: group, version, kind, and the schema's name of its message. */
export interface BodyKind {
  group: string;
  version: string;
  kind: string;
  model: string;
  /** The body may name any group and version: clients send DeleteOptions in that of the deleted kind. */
  anyVersion?: boolean;
}

interface Heed {
  fieldValidation: FieldValidation;
  warn(text: string): void;
}

export interface Codec {
  expected(kind: BodyKind): ExpectedKind;
  /** A request's body. Throws StatusError 400 or 415. */
  decodeBody(body: Buffer, contentType: string | undefined, kind: BodyKind, heed: Heed): Promise<KubeObject>;
  /** A value that is parsed already. */
  decodeValue(value: unknown, kind: BodyKind, heed: Heed): KubeObject;
}

const accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

function mediaTypeOf(contentType: string | undefined): "json" | "yaml" | "protobuf" {
  const type = (contentType ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "application/json" || type === "" || type === "*/*") return "json";
  if (type === "application/yaml" || type === "text/yaml") return "yaml";
  if (type === "application/vnd.kubernetes.protobuf") return "protobuf";
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

function parsedOrUndefined(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

export function createCodec(schema: Schema): Codec {
  const known = new Map<string, ExpectedKind>();

  const isKnown = (apiVersion: string, kind: string): boolean =>
    schema.modelOfKind(apiVersion, kind) !== undefined;

  function expected(kind: BodyKind): ExpectedKind {
    const id = `${kind.group}/${kind.version}/${kind.kind}`;
    let found = known.get(id);
    if (!found) {
      const model = schema.model(kind.model);
      if (!model) throw new Error(`the schema has no message ${kind.model}`);
      found = { group: kind.group, version: kind.version, kind: kind.kind, model, isKnown };
      known.set(id, found);
    }
    return found;
  }

  function heeded({ object, warnings }: Decoded, heed: Heed): KubeObject {
    for (const text of warnings) heed.warn(text);
    object.metadata ??= {};
    return object;
  }

  return {
    expected,
    async decodeBody(body, contentType, kind, heed) {
      const media = mediaTypeOf(contentType);
      const wanted = expected(kind);
      if (media === "json" && kind.anyVersion) {
        const value = parsedOrUndefined(body);
        if (typeof value === "object" && value !== null) {
          delete (value as { apiVersion?: unknown }).apiVersion;
          return heeded(decodeValue(value, wanted, heed.fieldValidation), heed);
        }
      }
      if (media === "json") return heeded(decodeJson(body.toString(), wanted, heed.fieldValidation), heed);
      if (media === "yaml") {
        const { parseYaml } = await import("../../../core/api/schema/yaml.ts");
        const { value, strictErrors } = parseYaml(body.toString());
        return heeded(decodeValue(value, wanted, heed.fieldValidation, strictErrors), heed);
      }
      const object = decodeProtobuf(body, schema, wanted.model);
      if (kind.anyVersion) delete object.apiVersion;
      return heeded(decodeValue(object, wanted, heed.fieldValidation), heed);
    },
    decodeValue: (value, kind, heed) =>
      heeded(decodeValue(value, expected(kind), heed.fieldValidation), heed),
  };
}
