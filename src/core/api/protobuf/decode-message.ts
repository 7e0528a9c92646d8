// One protobuf message into the JSON of the same message, led by the schema's field numbers.
import type { JsonObject } from "../json-object.ts";
import { setOwn } from "../schema/json-text.ts";
import { type Field, type Model, printMicroTime, printTime, type Scalar } from "../schema/mod.ts";
import { WireError, type WireReader } from "./wire.ts";

/** Kubernetes' messages nest less deep. */
const maxDepth = 64;

const wireTypes: Partial<Record<Scalar, number>> = { bool: 0, int32: 0, int64: 0, double: 1 };

function readFields(reader: WireReader, visit: (number: number, type: number) => boolean): void {
  while (!reader.done) {
    const { number, type } = reader.tag();
    if (!visit(number, type)) reader.skip(type);
  }
}

/** Messages that JSON writes as one value. */
const special: Partial<Record<Scalar, (reader: WireReader) => unknown>> = {
  Time: (reader) => readTime(reader, false),
  MicroTime: (reader) => readTime(reader, true),
  Quantity: (reader) => {
    const text = readBytes(reader)?.toString() ?? "";
    return text === "" ? "0" : text;
  },
  IntOrString: (reader) => {
    let kind = 0;
    let int = 0;
    let text = "";
    readFields(reader, (n, t) => {
      if (n === 1 && t === 0) kind = reader.varint();
      else if (n === 2 && t === 0) int = reader.varint();
      else if (n === 3 && t === 2) text = reader.string();
      else return false;
      return true;
    });
    return kind === 1 ? text : int;
  },
  FieldsV1: readRawJson,
  RawExtension: readRawJson,
};

/** A time of no bytes is Go's zero time, which JSON writes as null. */
function readTime(reader: WireReader, micro: boolean): string | null {
  if (reader.done) return null;
  let seconds = 0;
  let nanos = 0;
  readFields(reader, (n, t) => {
    if (n === 1 && t === 0) seconds = reader.varint();
    else if (n === 2 && t === 0) nanos = reader.varint();
    else return false;
    return true;
  });
  if (Math.abs(seconds) > 8e12) throw new WireError("proto: time out of range");
  return micro ? printMicroTime(seconds, nanos) : printTime(seconds);
}

/** A message of one field, number 1. */
function readBytes(reader: WireReader): Buffer | undefined {
  let raw: Buffer | undefined;
  readFields(reader, (n, t) => {
    if (n !== 1 || t !== 2) return false;
    raw = reader.bytes();
    return true;
  });
  return raw;
}

function readRawJson(reader: WireReader): unknown {
  const raw = readBytes(reader);
  if (!raw || raw.length === 0) return null;
  try {
    return JSON.parse(raw.toString());
  } catch {
    throw new WireError("raw extension is no JSON");
  }
}

function readScalar(scalar: Scalar, reader: WireReader): unknown {
  switch (scalar) {
    case "bool":
      return reader.varint() !== 0;
    case "int32":
      return reader.varint() | 0;
    case "int64":
      return reader.varint();
    case "double":
      return reader.double();
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes().toString("base64");
    default:
      return special[scalar]!(reader.message());
  }
}

function readValue(field: Field, reader: WireReader, depth: number): unknown {
  if (field.scalar) return readScalar(field.scalar, reader);
  const value = decodeMessage(reader.message(), field.model!, depth + 1);
  return field.model!.isList ? ((value as JsonObject).items ?? []) : value;
}

function readEntry(field: Field, out: JsonObject, reader: WireReader, depth: number): void {
  let key = "";
  let value: unknown;
  const expected = wireTypes[field.scalar as Scalar] ?? 2;
  readFields(reader, (n, t) => {
    if (n === 1 && t === 2) key = reader.string();
    else if (n === 2 && t === expected) value = readValue(field, reader, depth);
    else return false;
    return true;
  });
  setOwn(out, key, value === undefined ? (expected === 2 && !field.model ? "" : null) : value);
}

function ownList(out: JsonObject, name: string): unknown[] {
  if (!Array.isArray(out[name])) out[name] = [];
  return out[name] as unknown[];
}

/** The message as JSON, unknown fields skipped. Zero values are written as they came; prune leaves them out. */
export function decodeMessage(
  reader: WireReader,
  model: Model,
  depth = 0,
  into: JsonObject = {},
): JsonObject {
  if (depth > maxDepth) throw new WireError("proto: nested too deeply");
  readFields(reader, (number, type) => {
    const known = model.wire.get(number);
    if (!known) return false;
    if (known.inline) {
      if (type !== 2) throw new WireError(`proto: wrong wireType = ${type} for field ${number}`);
      decodeMessage(reader.message(), known.inline, depth + 1, into);
      return true;
    }
    const { field } = known;
    const expected = field.container === "map" ? 2 : (wireTypes[field.scalar as Scalar] ?? 2);
    const packed = field.container === "list" && type === 2 && expected !== 2;
    if (type !== expected && !packed)
      throw new WireError(`proto: wrong wireType = ${type} for field ${field.name}`);
    if (field.container === "map") {
      into[field.name] ??= {};
      readEntry(field, into[field.name] as JsonObject, reader.message(), depth);
    } else if (packed) {
      const list = ownList(into, field.name);
      for (const items = reader.message(); !items.done; ) list.push(readScalar(field.scalar!, items));
    } else if (field.container === "list") ownList(into, field.name).push(readValue(field, reader, depth));
    else into[field.name] = readValue(field, reader, depth);
    return true;
  });
  return into;
}
