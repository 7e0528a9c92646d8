// Lets go of an exec that has ended while its stdin was still being written. runc's shim (through go-runc 1.0) keeps the
// reading end of the command's stdin pipe, so its copy never learns that the reader is gone; containerd then waits in a
// write to the full FIFO before the shim, and tells no client the exit code (containerd 1.6, cri/io ExecIO.Attach).
// Reading the FIFO empty ends that one write, after which containerd finishes as it always does.
import { constants } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export interface StdinRelease {
  /** An exec's process has ended; what holds its stream, if anything does, is undone within half a second of its output being read. */
  exited(containerId: string, execId: string): void;
}

export interface StdinReleaseOptions {
  /** The CRI plugin's state directory, as containerd tells it. */
  stateDir(): Promise<string>;
  /** Whether ending a stream now would lose output that the client has not got yet. */
  wouldLose(): Promise<boolean>;
  /** Ends every wait. */
  signal: AbortSignal;
}

/** An exec that ends without this has gone by the first look; every later look costs a few system calls. */
const firstMs = 150;
const nextMs = 250;
const slowestMs = 2000;
/** How long a client may take to read what its command wrote, and how often it is looked at. */
const readingMs = 60_000;
const lookMs = 50;
/** Execs that are looked after at once; past it they end with their container. */
const maxWaiting = 4096;
const containerIdForm = /^[0-9a-f]{1,128}$/;

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}

/** The path of the exec's FIFOs without its ending; undefined: the exec has none (any more). */
async function findFifos(io: string, execId: string): Promise<string | undefined> {
  const folders = await readdir(io).catch((): string[] => []);
  for (const folder of folders) {
    const files = await readdir(join(io, folder)).catch((): string[] => []);
    if (files.includes(`${execId}-stdin`)) return join(io, folder, execId);
  }
  return undefined;
}

/** Whether nobody reads this FIFO: containerd has passed on all of an output and closed it. */
async function isDone(output: string): Promise<boolean> {
  try {
    await (await open(output, constants.O_WRONLY | constants.O_NONBLOCK)).close();
    return false;
  } catch (error) {
    return codeOf(error) === "ENXIO";
  }
}

/** Reads what is in the FIFO now. */
async function empty(fifo: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(64 * 1024);
    // A FIFO holds 1 MiB at most; the writer that this wakes may add its last piece.
    for (let i = 0; i < 64; i++) if ((await file.read(buffer, 0, buffer.length)).bytesRead === 0) return;
  } catch {
    // Empty (EAGAIN), or gone meanwhile: either way there is nothing to read.
  } finally {
    await file?.close();
  }
}

export function createStdinRelease({ stateDir, wouldLose, signal }: StdinReleaseOptions): StdinRelease {
  let waiting = 0;

  /** containerd closes a stream as soon as it is let go, and the stdin that it has not read makes that a reset. */
  async function outputIsRead(): Promise<void> {
    for (let waited = 0; waited < readingMs && (await wouldLose()); waited += lookMs)
      await pause(lookMs, undefined, { signal });
  }

  async function release(containerId: string, execId: string): Promise<void> {
    await pause(firstMs, undefined, { signal });
    const io = join(await stateDir(), "containers", containerId, "io");
    let fifos = await findFifos(io, execId);
    for (let wait = nextMs; fifos !== undefined; wait = Math.min(wait * 1.5, slowestMs)) {
      await pause(wait, undefined, { signal });
      // Until an output is done a process that the command left behind may still read its stdin. From then on containerd
      // takes no more of it from the client, and what it has taken is for nobody.
      if ((await isDone(`${fifos}-stdout`)) || (await isDone(`${fifos}-stderr`))) {
        await outputIsRead();
        await empty(`${fifos}-stdin`);
      }
      fifos = await findFifos(io, execId);
    }
  }

  return {
    exited(containerId, execId) {
      if (waiting >= maxWaiting || !containerIdForm.test(containerId)) return;
      waiting++;
      release(containerId, execId)
        // Only the end of the node, or a runtime that does not answer: its streams have ended too.
        .catch(() => {})
        .finally(() => waiting--);
    },
  };
}
