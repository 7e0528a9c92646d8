// A list over HTTP: its head first, then the stored bytes of each item in pieces, at the client's pace and giving others
// their turn.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { apiVersionOfDefinition } from "../registry.ts";
import { servedBytes } from "../stored-object.ts";
import type { ListPage } from "../verbs/mod.ts";

const pieceBytes = 64 << 10;
const comma = 0x2c;

export function listMetadata(page: ListPage): object {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
}

/** Resolves when the response takes more, or never will. */
function writable(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      res.off("drain", settle);
      res.off("close", settle);
      resolve();
    };
    res.on("drain", settle);
    res.on("close", settle);
    if (res.destroyed) settle();
  });
}

/** Writes `head`, the items with commas between them, and `tail`. */
export async function answerItems(
  res: ServerResponse,
  contentType: string,
  head: string,
  items: Iterable<Buffer>,
  tail: string,
): Promise<void> {
  res.writeHead(200, { "Cache-Control": "no-cache, private", "Content-Type": contentType });
  let piece: Buffer[] = [Buffer.from(head)];
  let size = piece[0]!.length;
  let first = true;
  let started = Date.now();
  const separator = Buffer.from([comma]);
  for (const item of items) {
    if (!first) piece.push(separator);
    first = false;
    piece.push(item);
    size += item.length + 1;
    // The first piece goes early, so that the client has something to work on.
    if (size < pieceBytes && !(res.writableLength === 0 && Date.now() - started > 5)) continue;
    const bytes = Buffer.concat(piece);
    piece = [];
    size = 0;
    if (!res.write(bytes)) {
      await writable(res);
      started = Date.now();
    } else if (Date.now() - started > 5) {
      await new Promise((resolve) => setImmediate(resolve));
      started = Date.now();
    }
    if (res.destroyed) return;
  }
  piece.push(Buffer.from(tail));
  res.end(Buffer.concat(piece));
}

function* objectItems(def: ResourceDefinition, page: ListPage): Generator<Buffer> {
  for (const kv of page.items) yield servedBytes(def, kv);
}

export function* shownItems(
  page: ListPage,
  show: (kv: ListPage["items"][number]) => unknown,
): Generator<Buffer> {
  for (const kv of page.items) yield Buffer.from(JSON.stringify(show(kv)));
}

export function answerObjectList(
  _req: IncomingMessage,
  res: ServerResponse,
  def: ResourceDefinition,
  page: ListPage,
): Promise<void> {
  const head = `{"kind":"${def.kind}List","apiVersion":"${apiVersionOfDefinition(def)}","metadata":${JSON.stringify(listMetadata(page))},"items":[`;
  return answerItems(res, "application/json", head, objectItems(def, page), "]}\n");
}
