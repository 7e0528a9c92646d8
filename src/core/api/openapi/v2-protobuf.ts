// The v2 document in the one form that kubectl up to 1.27 reads: openapi.v2.Document of gnostic's OpenAPIv2.proto.
// Only what our own documents hold is written.
import type { Json } from "./schemas.ts";

/** Bytes to be written: their parts are joined once, at the end. */
interface Chunk {
  readonly size: number;
  readonly parts: readonly (Chunk | Uint8Array)[];
}

const nothing: Chunk = { size: 0, parts: [] };

function join(parts: readonly (Chunk | Uint8Array)[]): Chunk {
  let size = 0;
  for (const p of parts) size += "size" in p ? p.size : p.length;
  return { size, parts };
}

function varint(n: number): Uint8Array {
  const out: number[] = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  out.push(n);
  return Uint8Array.from(out);
}

/** A length-delimited field; nothing where there is no value. */
function field(number: number, value: string | Chunk | undefined): Chunk {
  if (value === undefined) return nothing;
  const body = typeof value === "string" ? Buffer.from(value) : value;
  return join([varint(number * 8 + 2), varint("size" in body ? body.size : body.length), body]);
}

function write(chunk: Chunk, into: Uint8Array, at: number): number {
  let next = at;
  for (const p of chunk.parts) {
    if ("size" in p) next = write(p, into, next);
    else {
      into.set(p, next);
      next += p.length;
    }
  }
  return next;
}

const flag = (number: number, value: unknown): Chunk =>
  value === true ? join([varint(number * 8), varint(1)]) : nothing;
const text = (number: number, value: unknown): Chunk => field(number, value as string | undefined);
const texts = (number: number, values: unknown): Chunk =>
  join(((values ?? []) as string[]).map((v) => field(number, v)));

/** A map as a list of named values. */
function named(number: number, values: unknown, print: (value: Json) => Chunk): Chunk {
  const entries = Object.entries((values ?? {}) as Record<string, Json>);
  return join(entries.map(([name, value]) => field(number, join([field(1, name), field(2, print(value))]))));
}

/** What begins with x-, as YAML; JSON is YAML. */
function extensions(number: number, value: Json): Chunk {
  const own = Object.fromEntries(Object.entries(value).filter(([name]) => name.startsWith("x-")));
  return named(number, own, (v) => field(2, JSON.stringify(v)));
}

function schema(s: Json): Chunk {
  const inner = (number: number, value: unknown): Chunk =>
    field(number, value === undefined ? undefined : schema(value as Json));
  const additional = s.additionalProperties === undefined ? undefined : inner(1, s.additionalProperties);
  return join([
    text(1, s.$ref),
    text(2, s.format),
    text(4, s.description),
    texts(19, s.required),
    field(21, additional),
    field(22, s.type === undefined ? undefined : text(1, s.type)),
    field(23, s.items === undefined ? undefined : inner(1, s.items)),
    field(25, s.properties === undefined ? undefined : named(1, s.properties, schema)),
    extensions(31, s),
  ]);
}

/** Query and path parameters differ by one field number from `type` on. */
function parameter(p: Json): Chunk {
  if (p.in === "body") {
    const body = [text(2, p.name), text(3, p.in), flag(4, p.required), field(5, schema(p.schema as Json))];
    return field(1, join(body));
  }
  const isQuery = p.in === "query";
  const common = [flag(1, p.required), text(2, p.in), text(3, p.description), text(4, p.name)];
  const rest = isQuery
    ? [text(6, p.type), flag(20, p.uniqueItems)]
    : [text(5, p.type), flag(19, p.uniqueItems)];
  return field(2, field(isQuery ? 3 : 4, join([...common, ...rest])));
}

function parameterItem(p: Json): Chunk {
  return p.$ref === undefined ? field(1, parameter(p)) : field(2, text(1, p.$ref));
}

function response(r: Json): Chunk {
  const body = r.schema === undefined ? undefined : field(1, schema(r.schema as Json));
  return field(1, join([text(1, r.description), field(2, body)]));
}

function operation(o: Json): Chunk {
  return join([
    texts(1, o.tags),
    text(3, o.description),
    text(5, o.operationId),
    texts(6, o.produces),
    texts(7, o.consumes),
    ...(o.parameters as Json[]).map((p) => field(8, parameterItem(p))),
    field(9, named(1, o.responses, response)),
    texts(10, o.schemes),
    extensions(13, o),
  ]);
}

const methods = { get: 2, put: 3, post: 4, delete: 5, patch: 8 } as const;

function pathItem(item: Json): Chunk {
  const operations = Object.entries(methods).map(([method, number]) =>
    field(number, item[method] === undefined ? undefined : operation(item[method] as Json)),
  );
  const parameters = ((item.parameters ?? []) as Json[]).map((p) => field(9, parameterItem(p)));
  return join([...operations, ...parameters]);
}

/** The bytes of a document that openApiV2Document made. */
export function encodeOpenApiV2(document: Json): Buffer {
  const info = document.info as Json;
  const chunk = join([
    text(1, document.swagger),
    field(2, join([text(1, info.title), text(2, info.version)])),
    field(8, named(2, document.paths, pathItem)),
    field(9, named(1, document.definitions, schema)),
    field(10, named(1, document.parameters, parameter)),
  ]);
  const out = Buffer.allocUnsafe(chunk.size);
  write(chunk, out, 0);
  return out;
}
