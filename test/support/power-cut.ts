// What a disk would hold after a power cut: the system calls of a process, recorded by strace with their bytes, played back
// so that only what was flushed is kept (and, if wished, some of what was not: disks write in an order of their own).
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/** Why a recording is not possible here; undefined when it is. */
export function cannotRecord(): string | undefined {
  const { status } = spawnSync("strace", ["-f", "true"], { stdio: "ignore" });
  return status === 0 ? undefined : "strace is not installed, or may not trace here";
}

type Call =
  | { kind: "write"; fd: number; at: number; bytes: Buffer }
  | { kind: "open"; fd: number; path: string; synced: boolean }
  | { kind: "flush"; fd: number }
  | { kind: "mark"; text: string };

const unhex = (text: string): Buffer => Buffer.from(text.replaceAll("\\x", ""), "hex");

/** Reads strace's output (-f -xx). Calls count when they return, so an interrupted one counts at its resumption. */
function readTrace(file: string): Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, string>();
  /** Where the next writev of a descriptor goes. */
  const positions = new Map<number, number>();
  for (const line of readFileSync(file, "latin1").split("\n")) {
    const m = /^(\d+)\s+(.*)$/.exec(line);
    if (!m) continue;
    const [, pid, rest] = m as unknown as [string, string, string];
    let text = rest;
    const start = /^(.*) <unfinished \.\.\.>$/.exec(text);
    if (start) {
      unfinished.set(pid, start[1]!);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    if (resumed) text = (unfinished.get(pid) ?? "") + resumed[1];
    const result = Number(/= (-?\d+)[^=]*$/.exec(text)?.[1] ?? "-1");
    if (result < 0) continue;
    let c = /^pwrite64\((\d+), "([^"]*)", \d+, (\d+)\)/.exec(text);
    if (c) {
      calls.push({
        kind: "write",
        fd: Number(c[1]),
        at: Number(c[3]),
        bytes: unhex(c[2]!).subarray(0, result),
      });
      continue;
    }
    c = /^lseek\((\d+),/.exec(text);
    if (c) {
      positions.set(Number(c[1]), result);
      continue;
    }
    c = /^(p?)writev\((\d+), \[(.*)\], \d+(?:, (\d+))?\)/.exec(text);
    if (c) {
      const fd = Number(c[2]);
      const at = c[1] === "p" ? Number(c[4]) : (positions.get(fd) ?? 0);
      const parts = [...c[3]!.matchAll(/iov_base="([^"]*)"/g)].map((p) => unhex(p[1]!));
      calls.push({ kind: "write", fd, at, bytes: Buffer.concat(parts).subarray(0, result) });
      if (c[1] !== "p") positions.set(fd, at + result);
      continue;
    }
    c = /^f(?:data)?sync\((\d+)\)/.exec(text);
    if (c) {
      calls.push({ kind: "flush", fd: Number(c[1]) });
      continue;
    }
    c = /^openat\([^,]+, "([^"]*)", ([^,)]+)/.exec(text);
    if (c) {
      calls.push({ kind: "open", fd: result, path: unhex(c[1]!).toString(), synced: /O_D?SYNC/.test(c[2]!) });
      continue;
    }
    c = /^write\(2, "([^"]*)"/.exec(text);
    if (c) calls.push({ kind: "mark", text: unhex(c[1]!).toString() });
  }
  return calls;
}

/** Runs the script under strace; it marks moments by writing lines to standard error. */
export function recordCalls(script: string, args: readonly string[], traceFile: string): Call[] {
  const trace = [
    "-f",
    "-xx",
    "-s",
    "100000000",
    "-e",
    "trace=openat,lseek,pwrite64,writev,pwritev,fdatasync,fsync,write",
  ];
  const node = [process.execPath, "--input-type=module", "-e", script, ...args];
  const { status, stderr } = spawnSync("strace", [...trace, "-o", traceFile, ...node], { timeout: 60_000 });
  if (status !== 0) throw new Error(`the traced process failed: ${stderr}`);
  return readTrace(traceFile);
}

/**
 * Plays the calls back for one file. `visit` is called at each mark with the marks so far and a function that writes the
 * file as a power cut at that moment would leave it; `survives` says which of the unflushed writes are there too.
 */
export function playBack(
  calls: readonly Call[],
  isFile: (path: string) => boolean,
  visit: (mark: string, leave: (file: string, survives: () => boolean) => void) => void,
): void {
  let durable: Buffer = Buffer.alloc(0);
  let pending: { at: number; bytes: Buffer }[] = [];
  const fds = new Map<number, { synced: boolean }>();
  const put = (image: Buffer, w: { at: number; bytes: Buffer }): Buffer => {
    const end = w.at + w.bytes.length;
    const out = end > image.length ? Buffer.concat([image, Buffer.alloc(end - image.length)]) : image;
    w.bytes.copy(out, w.at);
    return out;
  };
  for (const c of calls) {
    if (c.kind === "open") {
      if (isFile(c.path)) fds.set(c.fd, { synced: c.synced });
      else fds.delete(c.fd);
    } else if (c.kind === "mark") {
      visit(c.text, (file, survives) => {
        let image: Buffer = Buffer.from(durable);
        for (const w of pending) if (survives()) image = put(image, w);
        writeFileSync(file, image);
      });
    } else {
      const fd = fds.get(c.fd);
      if (!fd) continue;
      if (c.kind === "flush") {
        for (const w of pending) durable = put(durable, w);
        pending = [];
      } else if (fd.synced) durable = put(durable, c);
      else pending.push(c);
    }
  }
}
