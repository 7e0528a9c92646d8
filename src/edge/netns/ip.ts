// iproute2 as a port: batches of `ip` commands in this network namespace or in a named one, JSON answers, time limits.
import { spawn } from "node:child_process";

/** A command that could not be run, timed out, or answered with an error. */
export class CommandError extends Error {
  readonly command: string;
  readonly stderr: string;
  constructor(command: string, why: string, stderr: string) {
    super(`${command}: ${why}${stderr ? `: ${stderr.trim()}` : ""}`);
    this.name = "CommandError";
    this.command = command;
    this.stderr = stderr;
  }
}

export interface RunOptions {
  /** Written to the command's standard input. */
  input?: string;
  /** Default 10 s; the command is killed at the limit. */
  timeoutMs?: number;
}

/** Runs a program and resolves with its standard output; rejects with CommandError. Output is bounded at 16 MiB. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, timeoutMs = 10_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    const text = [command, ...args].join(" ");
    let out = "";
    let err = "";
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new CommandError(text, `no answer within ${timeoutMs} ms`, err));
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (d: string) => {
      out += d;
      if (out.length > 16 << 20) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (d: string) => {
      if (err.length < 64 << 10) err += d;
    });
    child.stdin.on("error", () => {});
    child.on("error", (e) => {
      clearTimeout(timer);
      reject(new CommandError(text, e.message, err));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(out);
      else reject(new CommandError(text, signal ? `ended by ${signal}` : `exit code ${code}`, err));
    });
    child.stdin.end(input ?? "");
  });
}

/** Runs lines of `ip -batch` in one process; inside the named network namespace where one is given. */
export async function ipBatch(lines: readonly string[], netns?: string): Promise<void> {
  if (lines.length === 0) return;
  const input = `${lines.join("\n")}\n`;
  if (netns) await run("nsenter", [`--net=/run/netns/${netns}`, "ip", "-batch", "-"], { input });
  else await run("ip", ["-batch", "-"], { input });
}

/** `ip -json …` parsed. */
export async function ipJson<T>(args: readonly string[]): Promise<T> {
  const out = await run("ip", ["-json", ...args]);
  return JSON.parse(out.trim() === "" ? "[]" : out) as T;
}

/** Writes sysctls inside a named network namespace (keys as in /proc/sys, with slashes). */
export async function setSysctls(netns: string, values: Readonly<Record<string, string>>): Promise<void> {
  const script = Object.entries(values)
    .map(([key, value]) => `[ ! -e /proc/sys/${key} ] || echo ${value} > /proc/sys/${key}`)
    .join("\n");
  await run("nsenter", [`--net=/run/netns/${netns}`, "sh", "-e"], { input: script });
}
