// A protobuf request body (application/vnd.kubernetes.protobuf): four bytes of magic, then a runtime.Unknown that names the
// kind and holds the message (apimachinery runtime/serializer/protobuf; API concepts, "Kubernetes Protobuf encoding").
import type { Model, Schema } from "../schema/mod.ts";
import { badRequest } from "../status.ts";
import type { KubeObject } from "../types.ts";
import { decodeMessage } from "./decode-message.ts";
import { WireError, WireReader } from "./wire.ts";

const magic = [0x6b, 0x38, 0x73, 0x00];

interface Unknown {
  apiVersion: string;
  kind: string;
  raw: WireReader;
  contentEncoding: string;
  contentType: string;
}

function readUnknown(bytes: Uint8Array): Unknown {
  const out = {
    apiVersion: "",
    kind: "",
    raw: new WireReader(bytes, 0, 0),
    contentEncoding: "",
    contentType: "",
  };
  const reader = new WireReader(bytes, magic.length);
  while (!reader.done) {
    const { number, type } = reader.tag();
    if (number < 1 || number > 4 || type !== 2) reader.skip(type);
    else if (number === 1) {
      const meta = reader.message();
      while (!meta.done) {
        const inner = meta.tag();
        if (inner.type === 2 && inner.number === 1) out.apiVersion = meta.string();
        else if (inner.type === 2 && inner.number === 2) out.kind = meta.string();
        else meta.skip(inner.type);
      }
    } else if (number === 2) out.raw = reader.message();
    else if (number === 3) out.contentEncoding = reader.string();
    else out.contentType = reader.string();
  }
  return out;
}

/** Kinds of meta.v1 travel under any group and version. */
const modelOf = (schema: Schema, apiVersion: string, kind: string): Model | undefined =>
  schema.modelOfKind(apiVersion, kind) ?? schema.model(`meta.v1.${kind}`);

/**
 * The object in a body, as JSON would carry it but with its zero values: hand it to decodeValue. apiVersion and kind are the
 * envelope's, absent where it names none; then `fallback` is the model. Throws StatusError 400.
 */
export function decodeProtobuf(bytes: Uint8Array, schema: Schema, fallback?: Model): KubeObject {
  if (magic.some((b, i) => bytes[i] !== b))
    throw badRequest(
      bytes.length === 0
        ? "empty data"
        : "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    );
  try {
    const unknown = readUnknown(bytes);
    if (unknown.contentEncoding !== "")
      throw badRequest(
        `unable to decode protobuf with contentEncoding ${JSON.stringify(unknown.contentEncoding)}`,
      );
    const { apiVersion, kind } = unknown;
    const model = kind === "" ? fallback : modelOf(schema, apiVersion, kind);
    if (!model || model.isList)
      throw badRequest(
        `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
      );
    const object = decodeMessage(unknown.raw, model) as unknown as KubeObject;
    if (apiVersion !== "") object.apiVersion = apiVersion;
    if (kind !== "") object.kind = kind;
    return object;
  } catch (e) {
    if (e instanceof WireError) throw badRequest(`unable to decode protobuf: ${e.message}`);
    throw e;
  }
}
