// Reads a container's log file from the right place on and, when following, keeps on: across rotations, until the
// container has exited and its last line was read.

import { watch } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { createLogRenderer, findTail, type LogView } from "../../../core/logs/mod.ts";

export interface LogReadOptions extends LogView {
  path: string;
  follow: boolean;
  tailLines: number | undefined;
  /** Asked when the end of the file is reached while following: may more come? */
  running(): Promise<boolean>;
  signal: AbortSignal;
}

const block = 64 * 1024;
/** An entry is 16 KiB of text by containerd's default; one without end is cut into pieces rather than kept. */
const maxEntry = 1024 * 1024;
/** How often a follower asks whether the container still runs, and looks without being told of a change (milliseconds). */
const patience = 250;

/** Resolves at the next change in the log's folder, after `patience`, or at the abort. */
interface Wake {
  next(): Promise<void>;
  close(): void;
}

function watchFolder(path: string, signal: AbortSignal): Wake {
  let changed = false;
  let notify: (() => void) | undefined;
  const onChange = (): void => {
    changed = true;
    notify?.();
  };
  let watcher: ReturnType<typeof watch> | undefined;
  try {
    watcher = watch(dirname(path), { persistent: false }, onChange);
    // Out of inotify watches: the timer below still finds every change.
    watcher.on("error", () => watcher?.close());
  } catch {
    // The folder is gone or inotify is exhausted; as above.
  }
  signal.addEventListener("abort", onChange, { once: true });
  return {
    async next() {
      if (!changed && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, patience);
          function done(): void {
            clearTimeout(timer);
            notify = undefined;
            resolve();
          }
          notify = done;
        });
      }
      changed = false;
    },
    close() {
      watcher?.close();
      signal.removeEventListener("abort", onChange);
    },
  };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** True when the path now names another file than the open one, or that one was cut short: the log was rotated. */
async function rotated(path: string, file: FileHandle, position: number): Promise<boolean> {
  const now = await stat(path).catch(() => undefined);
  if (!now) return false;
  const mine = await file.stat();
  return now.ino !== mine.ino || now.dev !== mine.dev || now.size < position;
}

/** What a reader is shown, in pieces of about 64 KiB. Throws the file system's error when the log cannot be opened. */
export async function* readLog(options: LogReadOptions): AsyncGenerator<Buffer> {
  const { path, follow, signal } = options;
  const renderer = createLogRenderer(options);
  let file = await open(path, "r");
  let successor: FileHandle | undefined;
  const wake = follow ? watchFolder(path, signal) : undefined;
  try {
    let position = 0;
    if (options.tailLines !== undefined) {
      const { size } = await file.stat();
      position = await findTail({ read: (at, n) => readAt(file, at, n) }, size, options.tailLines);
    }
    let rest: Buffer = Buffer.alloc(0);
    let last = false;
    let asked = Number.NEGATIVE_INFINITY;
    while (!signal.aborted && !renderer.full) {
      const data = await readAt(file, position, block);
      position += data.length;
      if (data.length > 0) {
        const all = rest.length > 0 ? Buffer.concat([rest, data]) : data;
        const shown: Buffer[] = [];
        let from = 0;
        for (;;) {
          const nl = all.indexOf(0x0a, from);
          if (nl < 0) break;
          shown.push(...renderer.render(all.subarray(from, nl)));
          from = nl + 1;
        }
        rest = Buffer.from(all.subarray(from));
        if (rest.length > maxEntry) {
          shown.push(...renderer.render(rest));
          rest = Buffer.alloc(0);
        }
        if (shown.length > 0) yield shown.length === 1 ? shown[0]! : Buffer.concat(shown);
        continue;
      }
      if (successor) {
        await file.close();
        file = successor;
        successor = undefined;
        position = 0;
        rest = Buffer.alloc(0);
        continue;
      }
      if (follow && (await rotated(path, file, position))) {
        successor = await open(path, "r").catch(() => undefined);
        // Whatever was written to the old file after the last look comes first.
        if (successor) continue;
      }
      if (!follow || last) {
        if (rest.length > 0) yield Buffer.concat(renderer.render(rest));
        return;
      }
      if (performance.now() - asked < patience) {
        await wake!.next();
        continue;
      }
      // Ask before the last look: what the container wrote before it exited is then in the file.
      asked = performance.now();
      last = !(await options.running());
    }
  } finally {
    wake?.close();
    await file.close();
    await successor?.close();
  }
}
