// Room in the file before LMDB needs it: zeros behind its last page. A disk without space then refuses the zeros, which
// harms nothing, where LMDB's own failing write leaves the process with a damaged heap; see docs/decisions.
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";

const step = 1 << 20;
const zeros = Buffer.alloc(step);

export interface FileReserve {
  /**
   * Returns when the file has at least `bytes` behind `used`, both in bytes. Only while LMDB writes nothing.
   * Throws what the system said, ENOSPC say; the file is then as good as before.
   */
  ensure(used: number, bytes: number): void;
  close(): void;
}

export function openFileReserve(path: string): FileReserve {
  const fd = openSync(path, "r+");
  let size = fstatSync(fd).size;
  let open = true;
  return {
    ensure(used, bytes) {
      if (size - used >= bytes) return;
      size = Math.max(fstatSync(fd).size, used);
      while (size - used < bytes) size += writeSync(fd, zeros, 0, step, size);
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
