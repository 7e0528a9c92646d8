// A backend's answer on its way back to the client: links and redirects lead through the proxy, everything else is as it came.
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { type ProxyPlace, rewriteHtml, rewriteLink } from "./link-rewriting.ts";
import { answerHeaders } from "./proxy-headers.ts";

/** Pages larger than this pass as they are. */
const maxPage = 4 * 2 ** 20;

const codecs: Record<string, { decode(data: Buffer): Buffer; encode(data: Buffer): Buffer }> = {
  "": { decode: (d) => d, encode: (d) => d },
  gzip: { decode: (d) => gunzipSync(d, { maxOutputLength: maxPage * 8 }), encode: (d) => gzipSync(d) },
  deflate: {
    decode: (d) => inflateRawSync(d, { maxOutputLength: maxPage * 8 }),
    encode: (d) => deflateRawSync(d),
  },
};

/** The page with its links rewritten, or the bytes as they came when that cannot be done. */
function rewritePage(page: Buffer, encoding: string, place: ProxyPlace): Buffer {
  try {
    const codec = codecs[encoding]!;
    // Latin-1 keeps every byte; tags and links are ASCII in every encoding that pages are served in.
    const text = codec.decode(page).toString("latin1");
    return codec.encode(Buffer.from(rewriteHtml(text, place), "latin1"));
  } catch {
    return page;
  }
}

/** Sends the whole answer. Rejects when either side breaks. */
export async function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  place: ProxyPlace,
): Promise<void> {
  const headers = answerHeaders(answer);
  const { location } = answer.headers;
  if (location) headers.location = rewriteLink(location, place);
  const code = answer.statusCode ?? 502;
  const type = (answer.headers["content-type"] ?? "").split(";")[0]!.trim();
  const encoding = answer.headers["content-encoding"] ?? "";
  const hasBody = response.req.method !== "HEAD" && code !== 204 && code !== 304;
  if (location || type !== "text/html" || !Object.hasOwn(codecs, encoding) || !hasBody) {
    response.writeHead(code, answer.statusMessage || undefined, headers);
    // Whoever waits for the first event of a stream must see that it began.
    response.flushHeaders();
    await pipeline(answer, response);
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const iterator = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > maxPage) break;
  }
  if (size > maxPage) {
    response.writeHead(code, answer.statusMessage || undefined, headers);
    await pipeline(async function* () {
      yield* chunks;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    }, response);
    return;
  }
  const page = rewritePage(Buffer.concat(chunks), encoding, place);
  response.writeHead(code, answer.statusMessage || undefined, {
    ...headers,
    "content-length": String(page.length),
  });
  response.end(page);
}
