// A load generator of its own process: kept TLS connections, one request at a time on each, latencies to the parent.
// The same generator drives the API server and the bare server beside it, so that its own cost cancels out.

import { fork } from "node:child_process";
import { connect, type TLSSocket } from "node:tls";

export interface LoadOptions {
  port: number;
  ca: string;
  cert: string;
  key: string;
  connections: number;
  /** Total number of requests. */
  requests: number;
  method: string;
  path: string;
  /** `%` is replaced by the request's number, `@` by the last three parts of an IPv4 address that is the number's own. */
  body?: string;
  /** Number of the first request; default 0. */
  from?: number;
}

export interface LoadResult {
  seconds: number;
  /** Milliseconds of each request. */
  latencies: number[];
  /** Answers with another code than 200 or 201. */
  refused: number;
}

const addressOf = (n: number): string => `${128 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

function drive(options: LoadOptions): Promise<LoadResult> {
  const { port, ca, cert, key, connections, requests, method, path, body, from = 0 } = options;
  const latencies: number[] = [];
  let refused = 0;
  let next = 0;
  let open = 0;
  return new Promise((resolve, reject) => {
    const sockets: TLSSocket[] = [];
    let began = 0;
    let done = 0;
    function send(socket: TLSSocket): void {
      if (next >= requests) return;
      const n = next++;
      const text = body?.replaceAll("%", String(from + n)).replaceAll("@", addressOf(from + n)) ?? "";
      const head = `${method} ${path} HTTP/1.1\r\nHost: bench\r\n${text ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` : ""}\r\n`;
      const start = performance.now();
      let buffer: Buffer = Buffer.alloc(0);
      const read = (chunk: Buffer): void => {
        buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
        const end = buffer.indexOf("\r\n\r\n");
        if (end < 0) return;
        const header = buffer.subarray(0, end).toString("latin1");
        const length = /\r\ncontent-length: (\d+)/i.exec(header);
        if (length) {
          if (buffer.length < end + 4 + Number(length[1])) return;
        } else if (!buffer.subarray(-5).equals(Buffer.from("0\r\n\r\n"))) return;
        socket.off("data", read);
        latencies.push(performance.now() - start);
        if (!/^HTTP\/1\.1 20[01]/.test(header)) refused++;
        if (++done === requests) {
          const seconds = (performance.now() - began) / 1000;
          for (const s of sockets) s.destroy();
          resolve({ seconds, latencies, refused });
        } else send(socket);
      };
      socket.on("data", read);
      socket.write(head + text);
    }
    for (let i = 0; i < connections; i++) {
      const socket = connect({ port, host: "127.0.0.1", ca, cert, key, servername: "localhost" }, () => {
        if (++open < connections) return;
        began = performance.now();
        for (const s of sockets) send(s);
      });
      socket.setNoDelay(true);
      socket.on("error", reject);
      sockets.push(socket);
    }
  });
}

/** Runs the load in a child process, for five minutes at most. */
export function load(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL(import.meta.url), ["load"]);
    const timer = setTimeout(() => child.kill("SIGKILL"), 300_000);
    child.once("message", (m) => resolve(m as LoadResult));
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`the load generator ended with code ${code}`));
    });
    child.send(options);
  });
}

if (process.argv[2] === "load" && process.send)
  process.once("message", (options) => {
    drive(options as LoadOptions).then(
      (result) => process.send!(result, () => process.exit(0)),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
