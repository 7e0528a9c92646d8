// A watch over HTTP: newline-delimited events, written as fast as the client reads, with bookmarks, until its time is up.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import type { Store } from "../../store/mod.ts";
import { openWatch, type WatchItem, type WatchQuery, type WatchSource } from "../verbs/mod.ts";
import { bookmarkObject, type createFrameCache, type Form, frame } from "./watch-frames.ts";

export interface WatchResponseOptions {
  store: Store;
  def: ResourceDefinition;
  query: WatchQuery;
  /** Milliseconds after which the watch ends normally. */
  timeoutMs: number;
  bookmarkMs: number;
  form: Form;
  frames: ReturnType<typeof createFrameCache>;
  /** Told of each event that is written. */
  events: { add(): void };
  /** Content-Type of the answer. */
  contentType: string;
}

/** A client that has not read anything for so long is cut. */
const stalledMs = 60_000;
/** Events written before others get their turn. */
const slice = 500;

/** Resolves when the watch is over. Throws StatusError before anything is answered. */
export function answerWatch(
  req: IncomingMessage,
  res: ServerResponse,
  o: WatchResponseOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let source: WatchSource;
    let blocked = false;
    let scheduled = false;
    let over = false;
    let opened = false;
    let stalled: NodeJS.Timeout | undefined;

    const bytesOf = (item: WatchItem): Buffer => {
      if (item.type === "ERROR") return frame("ERROR", Buffer.from(JSON.stringify(item.error.status)));
      if (item.type !== "BOOKMARK") return o.frames(item.type, o.def, item.kv, o.form);
      const object = bookmarkObject(o.def, item.revision, item.endsInitialEvents);
      return frame("BOOKMARK", Buffer.from(JSON.stringify(o.form.show ? o.form.show(object) : object)));
    };

    function pump(): void {
      scheduled = false;
      if (!opened) return;
      for (let n = 0; !blocked && !over; n++) {
        if (n === slice) {
          schedule();
          return;
        }
        const item = source.next();
        if (!item) return;
        o.events.add();
        write(bytesOf(item));
        if (item.type === "ERROR") finish();
      }
    }

    function write(bytes: Buffer): void {
      if (res.write(bytes)) return;
      blocked = true;
      stalled = setTimeout(() => res.destroy(), stalledMs);
    }

    function schedule(): void {
      if (scheduled) return;
      scheduled = true;
      setImmediate(pump);
    }

    function finish(): void {
      if (over) return;
      over = true;
      clearTimeout(timer);
      clearInterval(bookmarks);
      clearTimeout(stalled);
      source.stop();
      if (!res.destroyed) res.end();
      resolve();
    }

    try {
      // An idle watcher is written to within the publication itself: one pass over all watchers, no queueing.
      source = openWatch(o.store, o.def, o.query, () => {
        if (!blocked && !scheduled) pump();
      });
    } catch (error) {
      reject(error);
      return;
    }
    const timer = setTimeout(finish, o.timeoutMs);
    const bookmarks = setInterval(() => {
      if (blocked || scheduled) return;
      const item = source.bookmark();
      if (!item) return;
      o.events.add();
      write(bytesOf(item));
    }, o.bookmarkMs);
    res.on("drain", () => {
      blocked = false;
      clearTimeout(stalled);
      pump();
    });
    res.on("close", finish);
    req.on("aborted", finish);
    res.writeHead(200, {
      "Cache-Control": "no-cache, private",
      "Content-Type": o.contentType,
      "Transfer-Encoding": "chunked",
    });
    res.flushHeaders();
    opened = true;
    pump();
  });
}
