// Where the last N lines of a log begin, found from the end of the file so that a big log costs no more than its tail.

export interface BytesAt {
  /** Reads up to `length` bytes at `position`; shorter only at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
}

const block = 64 * 1024;
const newline = 0x0a;

/** True when the entry that starts at `at` ends a program's line (its tag is F), as far as `data` shows it. */
function endsLine(data: Buffer, at: number): boolean {
  const a = data.indexOf(0x20, at);
  const b = a < 0 ? -1 : data.indexOf(0x20, a + 1);
  return b < 0 || data[b + 1] !== 0x50;
}

/**
 * Offset of the first byte of the last `lines` lines of a file of `size` bytes. An entry tagged P belongs to the line of
 * the entries after it. 0 when there are fewer lines.
 */
export async function findTail(file: BytesAt, size: number, lines: number): Promise<number> {
  if (lines <= 0) return size;
  let found = 0;
  let end = size;
  // `start` is where the wanted tail begins if no further line turns up.
  let tailStart = size;
  let carry: Buffer = Buffer.alloc(0);
  while (end > 0) {
    const from = Math.max(0, end - block);
    const data = Buffer.concat([await file.read(from, end - from), carry]);
    // Entry starts in this piece, from the last to the first. The first bytes may be the middle of an entry.
    let stop = data.length;
    if (end === size && data[stop - 1] === newline) stop--;
    for (;;) {
      const nl = stop > 0 ? data.lastIndexOf(newline, stop - 1) : -1;
      if (nl < 0 && from > 0) break;
      const at = nl + 1;
      if (at < data.length && endsLine(data, at)) {
        if (found === lines) return tailStart;
        found++;
      }
      tailStart = from + at;
      if (nl < 0) return tailStart;
      stop = nl;
    }
    carry = data.subarray(0, Math.min(stop, data.length));
    end = from;
    // What is carried is the head of one entry; only its first words matter, and they are in what is read next.
    if (carry.length > 256) carry = carry.subarray(0, 256);
  }
  return tailStart;
}
