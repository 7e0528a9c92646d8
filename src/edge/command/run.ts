// Runs a program to its end: arguments as a list, never through a shell; time and output are bounded.
import { spawn } from "node:child_process";
import { CommandError } from "./command-error.ts";

export interface RunOptions {
  /** Written to the program's standard input, in pieces where it is long. */
  input?: string | Iterable<string>;
  /** Where the program starts; default: where this process is. */
  directory?: string;
  /** Default 10 s; the program is killed at the limit. */
  timeoutMs?: number;
  /** Characters of standard output that are kept at most (16 Mi); a program that writes more is killed. */
  maxOutput?: number;
  /** Gets each whole line of standard output instead of it being kept. */
  onLine?(line: string): void;
}

/** Pieces of input are gathered to this many characters before they are written. */
const writeSize = 65_536;
const maxWords = 65_536;

/** Resolves with the standard output ("" with `onLine`); rejects with CommandError. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input = "", directory, timeoutMs = 10_000, maxOutput = 16 << 20, onLine } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(directory === undefined ? {} : { cwd: directory }),
    });
    const out: string[] = [];
    let length = 0;
    let tail = "";
    let err = "";
    const timer = setTimeout(() => stop(`no answer within ${timeoutMs} ms`), timeoutMs);
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new CommandError([command, ...args].join(" "), why, err));
    };
    // Not waited for: what the program itself started may hold its output open.
    const stop = (why: string): void => {
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      fail(why);
    };
    child.stdout.setEncoding("utf8").on("data", (d: string) => {
      if (onLine) {
        const lines = (tail + d).split("\n");
        tail = lines.pop()!;
        for (const line of lines) onLine(line);
      } else {
        out.push(d);
        length += d.length;
      }
      if (Math.max(length, tail.length) > maxOutput) stop(`more than ${maxOutput} characters of output`);
    });
    child.stderr.setEncoding("utf8").on("data", (d: string) => {
      if (err.length < maxWords) err += d;
    });
    // A program that ends early closes its input; its exit code says what that means.
    child.stdin.on("error", () => {});
    child.on("error", (e) => fail(e.message));
    child.on("close", (code, signal) => {
      if (code !== 0) return fail(signal ? `ended by ${signal}` : `exit code ${code}`);
      clearTimeout(timer);
      resolve(out.join(""));
    });
    let text = "";
    for (const piece of typeof input === "string" ? [input] : input) {
      text += piece;
      if (text.length < writeSize) continue;
      child.stdin.write(text);
      text = "";
    }
    child.stdin.end(text);
  });
}
