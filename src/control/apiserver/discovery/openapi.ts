// /openapi/v3, its documents, and /openapi/v2. Documents are made when first asked for and kept compressed.
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import {
  type DescribedKind,
  type Descriptions,
  encodeOpenApiV2,
  openApiV2Document,
  openApiV3Document,
  openApiV3Index,
} from "../../../core/api/openapi/mod.ts";
import type { Schema } from "../../../core/api/schema/mod.ts";
import { failure, notAcceptable } from "../../../core/api/status.ts";
import { answerJson } from "../representation/mod.ts";
import { parseAccept } from "../requests/mod.ts";

export interface OpenApiOptions {
  schema: Schema;
  definitions: readonly DescribedKind[];
  /** The texts of dist/descriptions.json; asked for once for every document that is made. */
  descriptions(): Promise<Descriptions>;
}

interface Document {
  compressed: Buffer;
  etag: string;
}

const compress = promisify(gzip);
const decompress = promisify(gunzip);
const v2Protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/** What is asked for with an @ is answered without: Go's mime parser takes none. */
const v2ProtobufAnswer = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** JSON wherever it will do: protobuf is for clients of v2 that take nothing else. Throws StatusError 406. */
function wantedType(req: IncomingMessage, path: string): string {
  const types = parseAccept(req.headers.accept ?? "").map((r) => r.type);
  if (types.length === 0 || types.some((t) => ["application/json", "application/*", "*/*"].includes(t)))
    return "application/json";
  if (path === "/openapi/v2" && types.some((t) => t === v2Protobuf || t === v2ProtobufAnswer))
    return v2ProtobufAnswer;
  const all = path === "/openapi/v2" ? `application/json, ${v2Protobuf}` : "application/json";
  throw notAcceptable(`only the following media types are accepted: ${all}`);
}

/** Answers what is below /openapi; resolves to false for other paths. Throws StatusError 404 and 406. */
export function createOpenApi(
  o: OpenApiOptions,
): (req: IncomingMessage, res: ServerResponse, path: string) => Promise<boolean> {
  const documents = new Map<string, Promise<Document>>();

  async function make(path: string, type: string): Promise<Document> {
    const m = /^\/openapi\/v3\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path);
    const [group, version] = [m?.[1] ?? "", m?.[2] ?? ""];
    const served = o.definitions.some((d) => d.group === group && d.version === version);
    if (path !== "/openapi/v2" && !served)
      throw failure(404, "NotFound", "the server could not find the requested resource", {});
    const source = { schema: o.schema, definitions: o.definitions, descriptions: await o.descriptions() };
    const document = m ? openApiV3Document(source, group, version)! : openApiV2Document(source);
    const body =
      type === v2ProtobufAnswer ? encodeOpenApiV2(document) : Buffer.from(JSON.stringify(document));
    return {
      compressed: await compress(body),
      etag: `"${createHash("sha256").update(body).digest("hex").toUpperCase()}"`,
    };
  }

  function document(path: string, type: string): Promise<Document> {
    const key = `${path} ${type}`;
    let found = documents.get(key);
    if (!found) {
      found = make(path, type);
      // Only what is served is kept: a path can be anything.
      documents.set(key, found);
      found.catch(() => documents.delete(key));
    }
    return found;
  }

  return async (req, res, path) => {
    if (!path.startsWith("/openapi/")) return false;
    if (path === "/openapi/v3" || path === "/openapi/v3/") {
      answerJson(req, res, 200, openApiV3Index(o));
      return true;
    }
    if (path !== "/openapi/v2" && !path.startsWith("/openapi/v3/")) return false;
    const type = wantedType(req, path);
    const { compressed, etag } = await document(path, type);
    res.setHeader("ETag", etag);
    res.setHeader("Vary", "Accept, Accept-Encoding");
    if (req.headers["if-none-match"] === etag) {
      res.writeHead(304).end();
      return true;
    }
    const zipped = /\bgzip\b/.test(String(req.headers["accept-encoding"] ?? ""));
    if (zipped) res.setHeader("Content-Encoding", "gzip");
    const body = zipped ? compressed : await decompress(compressed);
    res.writeHead(200, {
      "Content-Type": type,
      "Content-Length": body.length,
      "Cache-Control": "no-cache, private",
    });
    res.end(body);
    return true;
  };
}
