// A program that asks HTTP servers one request after another until its standard input ends, then says how that went.
// Argument: JSON, a list of Aim. Every request must be answered by 200. A request on a connection that the server closed
// while idle is sent again on a new one, as every HTTP client does (RFC 9110, 9.2.2), and counted apart.
import http from "node:http";

export interface Aim {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** One connection for all requests, not one for each. */
  readonly keepAlive: boolean;
}

export interface LoadResult {
  readonly name: string;
  readonly answered: number;
  /** On connections that the server had closed. */
  readonly again: number;
  /** `time: what` of each that failed. */
  readonly failures: readonly string[];
  /** Milliseconds of the slowest. */
  readonly slowest: number;
}

const pauseMs = 4;
const limitMs = 10_000;
let stop = false;

async function load({ name, address, port, keepAlive }: Aim): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive, maxSockets: 1 });
  const failures: string[] = [];
  let answered = 0;
  let again = 0;
  let slowest = 0;

  function ask(): Promise<{ status: number } | { error: string; reused: boolean }> {
    return new Promise((resolve) => {
      const req = http.get({ host: address, port, agent, timeout: limitMs }, (res) => {
        res.on("end", () => resolve({ status: res.statusCode! }));
        res.on("error", (e) => resolve({ error: `in the answer: ${e.message}`, reused: false }));
        res.resume();
      });
      req.on("timeout", () => req.destroy(new Error("no answer")));
      req.on("error", (e: NodeJS.ErrnoException) =>
        resolve({ error: e.code ?? e.message, reused: req.reusedSocket && e.code === "ECONNRESET" }),
      );
    });
  }

  while (!stop) {
    const began = performance.now();
    let result = await ask();
    if ("error" in result && result.reused) {
      again++;
      result = await ask();
    }
    slowest = Math.max(slowest, Math.round(performance.now() - began));
    if ("status" in result && result.status === 200) answered++;
    else if (failures.length < 20)
      failures.push(`${new Date().toISOString()}: ${"status" in result ? result.status : result.error}`);
    await new Promise((r) => setTimeout(r, pauseMs));
  }
  agent.destroy();
  return { name, answered, again, failures, slowest };
}

process.stdin.resume().on("end", () => {
  stop = true;
});
const aims = JSON.parse(process.argv[2] ?? "[]") as Aim[];
const results = await Promise.all(aims.map(load));
process.stdout.write(`${JSON.stringify(results)}\n`);
