// A carrier of netlink messages that is kept open, for what is asked every few seconds: a question costs a fraction of a
// millisecond instead of a process start.
import { type ChildProcess, spawn } from "node:child_process";
import { CommandError } from "../command/mod.ts";
import { carrierCommand } from "./_netlink.ts";

export interface HeldNetlink {
  /** The answer to a message of a kind that is answered once; rejects after the time limit. One after the other. */
  ask(message: Buffer): Promise<Buffer>;
  close(): void;
}

/** The longest answer, in hexadecimal digits. */
const maxAnswer = 2 * 65_536;

export function createHeldNetlink(prefix: readonly string[], timeoutMs = 10_000): HeldNetlink {
  let child: ChildProcess | undefined;
  let waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function settle(error: Error | undefined, line = ""): void {
    const who = waiting;
    waiting = undefined;
    if (error) who?.reject(error);
    else who?.resolve(line);
  }

  function open(): ChildProcess {
    const [file = "", ...args] = [...prefix, ...carrierCommand, "flush"];
    const p = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let words = "";
    const lost = (why: string): void => {
      if (child !== p) return;
      child = undefined;
      settle(new CommandError("perl (netlink)", why, words));
    };
    p.stdin.on("error", () => {});
    p.stdout.setEncoding("latin1").on("data", (d: string) => {
      out += d;
      const end = out.indexOf("\n");
      if (end >= 0) {
        const line = out.slice(0, end);
        out = "";
        if (child === p) settle(undefined, line);
      } else if (out.length > maxAnswer) p.kill("SIGKILL");
    });
    p.stderr.setEncoding("utf8").on("data", (d: string) => {
      words = (words + d).slice(0, 2000);
    });
    p.on("error", (e) => lost(e.message));
    p.on("exit", (code, signal) => lost(`ended (${signal ?? code})`));
    // It ends with its input, that is with this process, and keeps nobody from ending who does not wait for an answer.
    p.unref();
    for (const pipe of [p.stdin, p.stdout, p.stderr]) (pipe as unknown as { unref?(): void }).unref?.();
    return p;
  }

  async function askNext(message: Buffer): Promise<Buffer> {
    child ??= open();
    const p = child;
    p.ref();
    const timer = setTimeout(() => p.kill("SIGKILL"), timeoutMs);
    try {
      const line = await new Promise<string>((resolve, reject) => {
        waiting = { resolve, reject };
        p.stdin!.write(`${message.toString("hex")}\n`);
      });
      return Buffer.from(line, "hex");
    } finally {
      clearTimeout(timer);
      p.unref();
    }
  }

  return {
    ask(message) {
      const next = last.then(() => askNext(message));
      last = next.catch(() => {});
      return next;
    },
    close() {
      const p = child;
      child = undefined;
      p?.stdin?.end();
      settle(new CommandError("perl (netlink)", "closed", ""));
    },
  };
}
