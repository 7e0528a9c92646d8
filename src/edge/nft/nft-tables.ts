// Runs nft(8): one process a transaction, its input streamed.
import { spawn } from "node:child_process";
import type { NftTables } from "../../agents/proxy/mod.ts";
import type { Family } from "../../core/nft/mod.ts";

/** nft refused or could not be run. `stderr` has its words. */
export class NftError extends Error {
  readonly stderr: string;
  constructor(why: string, stderr: string) {
    super(`nft: ${why}${stderr ? `: ${stderr.slice(0, 2000).trim()}` : ""}`);
    this.name = "NftError";
    this.stderr = stderr;
  }
}

export interface NftOptions {
  /** Where nft is; default: by PATH. */
  command?: string;
  /** Put before the command, e.g. `nsenter --net=… --` in tests. */
  prefix?: readonly string[];
  /** Default 60 s. */
  timeoutMs?: number;
}

function runNft(options: NftOptions, args: readonly string[], input: Iterable<string>): Promise<string> {
  const { prefix = [], command = "nft", timeoutMs = 60_000 } = options;
  const [file, ...rest] = [...prefix, command, ...args] as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { stdio: ["pipe", "pipe", "pipe"] });
    const out: string[] = [];
    let err = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (d: string) => out.push(d));
    child.stderr.setEncoding("utf8").on("data", (d: string) => {
      if (err.length < 65_536) err += d;
    });
    child.stdin.on("error", () => {});
    child.on("error", (e) => {
      clearTimeout(timer);
      reject(new NftError(e.message, ""));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(out.join(""));
      else
        reject(
          new NftError(
            late ? `no answer within ${timeoutMs} ms` : signal ? `ended by ${signal}` : `exit code ${code}`,
            err,
          ),
        );
    });
    let text = "";
    for (const piece of input) {
      text += piece;
      if (text.length < 65_536) continue;
      child.stdin.write(text);
      text = "";
    }
    child.stdin.end(text);
  });
}

/** nftables of this process's network namespace (or of another one, through `prefix`). */
export function createNftTables(options: NftOptions = {}): NftTables {
  return {
    async apply(script) {
      await runNft(options, ["-f", "-"], script);
    },
    async list(family: Family, table: string, { terse = false } = {}) {
      try {
        return await runNft(options, [...(terse ? ["-t"] : []), "list", "table", family, table], []);
      } catch (error) {
        if (error instanceof NftError && /No such file or directory/.test(error.stderr)) return undefined;
        throw error;
      }
    },
  };
}
