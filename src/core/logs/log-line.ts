// One line of a CRI container log, `<RFC3339Nano> <stdout|stderr> <F|P> <text>`, and what a reader of the log is shown of it.
// Specification: design proposal "kubelet-cri-logging".

export interface LogLine {
  /** As written: RFC 3339 with up to nine fractional digits. */
  timestamp: string;
  stream: "stdout" | "stderr";
  /** The program's line goes on in the next entry of this stream. */
  partial: boolean;
  /** A view into the buffer that was parsed. */
  text: Buffer;
}

const space = 0x20;
const newline = Buffer.from("\n");

/** `entry` is without its newline. Undefined: no CRI log entry. */
export function parseLogLine(entry: Buffer): LogLine | undefined {
  const a = entry.indexOf(space);
  const b = a < 0 ? -1 : entry.indexOf(space, a + 1);
  if (b < 0) return undefined;
  const c = entry.indexOf(space, b + 1);
  const tagEnd = c < 0 ? entry.length : c;
  const stream = entry.toString("latin1", a + 1, b);
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  // Tags are separated by colons; the first says whether the line is whole.
  const tag = entry.toString("latin1", b + 1, tagEnd).split(":", 1)[0];
  if (tag !== "F" && tag !== "P") return undefined;
  const text = c < 0 ? entry.subarray(entry.length) : entry.subarray(c + 1);
  return { timestamp: entry.toString("latin1", 0, a), stream, partial: tag === "P", text };
}

/** RFC3339NanoFixed: always nine fractional digits, so that columns line up. */
export function fixedNanos(timestamp: string): string {
  const m = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(timestamp);
  return m ? `${m[1]}.${(m[2] ?? "").padEnd(9, "0")}${m[3]}` : timestamp;
}

export interface LogView {
  timestamps: boolean;
  /** Milliseconds since the epoch; older entries are left out. */
  since: number | undefined;
  limitBytes: number | undefined;
  stream: "All" | "Stdout" | "Stderr";
}

export interface LogRenderer {
  /** What the reader sees of one entry, in order; empty when it is filtered out or malformed. */
  render(entry: Buffer): Buffer[];
  /** True when limitBytes are used up. */
  readonly full: boolean;
}

export function createLogRenderer(view: LogView): LogRenderer {
  let left = view.limitBytes ?? Number.POSITIVE_INFINITY;
  let inside = false;
  const wanted = view.stream === "All" ? undefined : view.stream.toLowerCase();
  return {
    render(entry) {
      if (left <= 0) return [];
      const line = parseLogLine(entry);
      if (!line || (wanted !== undefined && line.stream !== wanted)) return [];
      if (view.since !== undefined && Date.parse(line.timestamp) < view.since) return [];
      const parts: Buffer[] = [];
      if (view.timestamps && !inside) parts.push(Buffer.from(`${fixedNanos(line.timestamp)} `));
      parts.push(line.text);
      if (!line.partial) parts.push(newline);
      inside = line.partial;
      return parts.map((part) => {
        const shown = part.length <= left ? part : part.subarray(0, left);
        left -= shown.length;
        return shown;
      });
    },
    get full() {
      return left <= 0;
    },
  };
}
