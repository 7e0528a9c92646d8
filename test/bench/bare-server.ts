// A process for the API bench: the floor, a bare node:https server that does what must be done and nothing else. A GET has the
// same bytes as answer each time; a POST is appended to a file and flushed (those that wait share a flush) before its body is
// sent back, and to everyone who watches.
import { fdatasync, openSync, readFileSync, write } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface BareOptions {
  cert: string;
  key: string;
  ca: string;
  /** What a GET is answered. */
  body: string;
  /** Where POSTs are kept. */
  file: string;
}

function serve(options: BareOptions): void {
  const answer = Buffer.from(options.body);
  const file = openSync(options.file, "a");
  const watchers = new Set<ServerResponse>();
  let waiting: { bytes: Buffer; done(): void }[] = [];
  let flushing = false;
  function flush(): void {
    if (flushing || waiting.length === 0) return;
    flushing = true;
    const batch = waiting;
    waiting = [];
    const bytes = Buffer.concat(batch.map((w) => w.bytes));
    write(file, bytes, 0, bytes.length, null, (e1) => {
      if (e1) throw e1;
      fdatasync(file, (e2) => {
        if (e2) throw e2;
        flushing = false;
        for (const w of batch) w.done();
        flush();
      });
    });
  }
  const server = createServer({
    cert: readFileSync(options.cert),
    key: readFileSync(options.key),
    ca: readFileSync(options.ca),
    requestCert: true,
  });
  server.on("request", (req, res) => {
    if (req.method === "POST") {
      const parts: Buffer[] = [];
      req.on("data", (d: Buffer) => parts.push(d));
      req.on("end", () => {
        const bytes = Buffer.concat(parts);
        const done = (): void => {
          for (const w of watchers) w.write(bytes);
          res.writeHead(201, { "content-type": "application/json", "content-length": bytes.length });
          res.end(bytes);
        };
        waiting.push({ bytes, done });
        setImmediate(flush);
      });
    } else if (req.url?.includes("watch=true")) {
      res.writeHead(200, { "content-type": "application/json" });
      res.flushHeaders();
      watchers.add(res);
      res.on("close", () => watchers.delete(res));
    } else {
      res.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
      res.end(answer);
    }
  });
  server.listen(0, "127.0.0.1", 1024, () => process.send!((server.address() as AddressInfo).port));
}

process.once("message", (options) => serve(options as BareOptions));
