// An `nft -i` that is kept open: a small transaction costs a fraction of a millisecond instead of a process start (and of
// the grace period that the kernel waits for when nft's socket closes after deletes). One line is one transaction; a line
// that cannot be parsed follows it, and the complaint about that one says that the first is done.
import { type ChildProcess, spawn } from "node:child_process";
import { CommandError } from "../command/mod.ts";

export interface HeldNft {
  /** One transaction in one line; rejects with nft's words. They go one after the other. */
  run(line: string): Promise<void>;
  close(): void;
}

/** Transactions after which the process is replaced, should it leak. */
const lifetime = 10_000;

/**
 * @param prefix put before the command, e.g. `nsenter --net=… --`
 * @param timeoutMs of one transaction; after it the process is killed and the outcome is unknown
 */
export function createHeldNft(prefix: readonly string[], timeoutMs: number): HeldNft {
  let child: ChildProcess | undefined;
  let count = 0;
  let stderr = "";
  let waiting: { mark: string; resolve(words: string): void; reject(e: Error): void } | undefined;

  function look(): void {
    if (!waiting) return;
    const done = new RegExp(`(^|\\n)[^\\n]*syntax error[^\\n]*\\n${waiting.mark}\\n *\\^+\\s*\\n`).exec(
      stderr,
    );
    if (!done) return;
    const words = stderr.slice(0, done.index);
    stderr = "";
    const { resolve } = waiting;
    waiting = undefined;
    resolve(words.trim());
  }

  function open(): ChildProcess {
    const [file = "nft", ...args] = [...prefix, "nft", "-i"];
    // HOME: nft -i writes a history file there.
    const env = { PATH: process.env.PATH, HOME: "/nonexistent", TERM: "dumb", LC_ALL: "C" };
    const p = spawn(file, args, { stdio: ["pipe", "ignore", "pipe"], env });
    stderr = "";
    count = 0;
    const lost = (why: string): void => {
      if (child === p) child = undefined;
      const w = waiting;
      waiting = undefined;
      w?.reject(new CommandError("nft -i", why, stderr));
    };
    p.stdin!.on("error", () => {});
    p.stderr!.setEncoding("utf8").on("data", (d: string) => {
      if (child !== p) return;
      stderr += d;
      look();
    });
    p.on("error", (e) => lost(e.message));
    p.on("exit", (code, signal) => {
      if (child === p) lost(`ended (${signal ?? code})`);
    });
    p.unref();
    for (const pipe of [p.stdin, p.stderr]) (pipe as unknown as { unref?(): void })?.unref?.();
    return p;
  }

  function close(): void {
    const p = child;
    child = undefined;
    p?.stdin?.end();
  }

  async function runNext(line: string): Promise<void> {
    if (count >= lifetime) close();
    child ??= open();
    const p = child;
    const mark = `portolan-mark-${++count}`;
    const words = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => p.kill("SIGKILL"), timeoutMs);
      const settle = (): void => clearTimeout(timer);
      waiting = {
        mark,
        resolve(w) {
          settle();
          resolve(w);
        },
        reject(e) {
          settle();
          reject(e);
        },
      };
      p.stdin!.write(`${line}\n${mark}\n`);
    });
    if (/\berror\b/i.test(words)) throw new CommandError("nft -i", "refused", words);
  }

  /** Each family's keeper has one transaction at a time under way, so the queue is short. */
  let last: Promise<void> = Promise.resolve();
  return {
    close,
    run(line) {
      const next = last.then(() => runNext(line));
      last = next.catch(() => {});
      return next;
    },
  };
}
