// Keeps container logs bounded, as the kubelet does: a log over the limit is set aside, the runtime is told to write a new
// one, older ones are compressed and the oldest removed. Readers that follow go on in the new file by themselves.
// Specification: the kubelet's containerLogMaxSize and containerLogMaxFiles.
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pause } from "../../../control/client/mod.ts";
import { bareId } from "./container-state.ts";
import type { PodRuntimePort } from "./runtime-port.ts";

export interface LogRotationOptions {
  runtime: Pick<PodRuntimePort, "pods" | "containerLog" | "reopenLog">;
  /** Milliseconds since the epoch; names the files that are set aside. */
  now(): number;
  /** Bytes from which a log is set aside (10 MiB). */
  maxSize?: number;
  /** Files of one container, the current one included (5, at least 2). */
  maxFiles?: number;
  /** Milliseconds between two looks (10 s). */
  intervalMs?: number;
  onError?(error: unknown): void;
}

/** `20261120-180405`, as the kubelet names what it sets aside. */
export function rotationSuffix(time: number): string {
  const iso = new Date(time).toISOString();
  return iso
    .slice(0, 19)
    .replace("T", "-")
    .replace(/(\d{4})-(\d\d)-(\d\d)-/, "$1$2$3-")
    .replaceAll(":", "");
}

const rotatedName = /^\.\d{8}-\d{6}(\.gz)?$/;

/** Of the names beside a log, which to compress and which to remove so that one more may be set aside. Oldest go first. */
export function planRotation(
  log: string,
  names: readonly string[],
  maxFiles: number,
): { compress: string[]; remove: string[] } {
  const aside = names.filter((n) => n.startsWith(log) && rotatedName.test(n.slice(log.length))).sort();
  const unfinished = names.filter((n) => n.startsWith(log) && n.endsWith(".tmp"));
  const kept = aside.slice(Math.max(0, aside.length - Math.max(0, maxFiles - 2)));
  return {
    compress: kept.filter((n) => !n.endsWith(".gz")),
    remove: [...aside.slice(0, aside.length - kept.length), ...unfinished],
  };
}

async function compress(path: string): Promise<void> {
  const unfinished = `${path}.tmp`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(unfinished, { mode: 0o640 }));
  await rename(unfinished, `${path}.gz`);
  await rm(path, { force: true });
}

/** Sets one log aside. When the runtime will not open a new one, the log keeps its place. */
async function rotate(id: string, path: string, options: LogRotationOptions): Promise<void> {
  const folder = dirname(path);
  const plan = planRotation(basename(path), await readdir(folder), options.maxFiles ?? 5);
  for (const name of plan.remove) await rm(join(folder, name), { force: true });
  for (const name of plan.compress) await compress(join(folder, name));
  const aside = `${path}.${rotationSuffix(options.now())}`;
  await rename(path, aside);
  try {
    await options.runtime.reopenLog?.(id);
  } catch (error) {
    await rename(aside, path);
    throw error;
  }
}

/** Bare ids of the containers that run now. */
function running({ pods }: LogRotationOptions["runtime"]): string[] {
  return pods().flatMap(({ status }) =>
    [
      ...(status?.containerStatuses ?? []),
      ...(status?.initContainerStatuses ?? []),
      ...(status?.ephemeralContainerStatuses ?? []),
    ].flatMap((c) => (c.state?.running && c.containerID ? [bareId(c.containerID)] : [])),
  );
}

/** Looks at the logs of all running containers until the signal aborts. */
export async function runLogRotation(options: LogRotationOptions, signal: AbortSignal): Promise<void> {
  const { runtime, maxSize = 10 * 2 ** 20, intervalMs = 10_000, onError } = options;
  let paths = new Map<string, string>();
  while (!signal.aborted) {
    const known = new Map<string, string>();
    for (const id of running(runtime)) {
      try {
        const path = paths.get(id) ?? (await runtime.containerLog(id))?.path;
        if (path === undefined) continue;
        known.set(id, path);
        if ((await stat(path)).size > maxSize) await rotate(id, path, options);
      } catch (error) {
        // A container that has just gone takes its log with it.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") onError?.(error);
      }
    }
    paths = known;
    if (signal.aborted) return;
    await pause(intervalMs, signal);
  }
}
