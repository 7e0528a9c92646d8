// Reads and prints times as metav1.Time and MicroTime do (RFC 3339; Go's time.Parse words the errors).
import { timestamp } from "../timestamp.ts";

const steps: [layout: string, pattern: RegExp][] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d\d/],
  ["-", /^-/],
  ["02", /^\d\d/],
  ["T", /^T/],
  ["15", /^\d\d?/],
  [":", /^:/],
  ["04", /^\d\d/],
  [":", /^:/],
  ["05", /^\d\d(?:[.,]\d+)?/],
  ["Z07:00", /^(?:Z|[+-]\d\d:\d\d)/],
];
const ranges: Record<string, [min: number, max: number, word: string]> = {
  "01": [1, 12, "month"],
  "02": [1, 31, "day"],
  "15": [0, 23, "hour"],
  "04": [0, 59, "minute"],
  "05": [0, 59, "second"],
};

export interface ParsedTime {
  /** Whole seconds since the epoch. */
  readonly seconds: number;
  readonly nanos: number;
}

/** The time, or Go's message of why the text is none. `layout` is what the message names. */
export function parseTime(text: string, layout = "2006-01-02T15:04:05Z07:00"): ParsedTime | string {
  const quoted = JSON.stringify(text);
  let rest = text;
  for (const [part, pattern] of steps) {
    const m = pattern.exec(rest);
    if (!m) return `parsing time ${quoted} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${part}"`;
    const range = ranges[part];
    const n = Math.floor(Number(m[0].replace(",", ".")));
    if (range && (n < range[0] || n > range[1])) return `parsing time ${quoted}: ${range[2]} out of range`;
    rest = rest.slice(m[0].length);
  }
  if (rest !== "") return `parsing time ${quoted}: extra text: ${JSON.stringify(rest)}`;
  const fraction = /[.,](\d+)/.exec(text)?.[1] ?? "";
  const day = Number(text.slice(8, 10));
  const ms = Date.parse(text.replace(/[.,]\d+/, "").replace(/T(\d):/, "T0$1:"));
  const daysInMonth = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  if (Number.isNaN(ms) || day > daysInMonth) return `parsing time ${quoted}: day out of range`;
  return { seconds: ms / 1000, nanos: Number(fraction.slice(0, 9).padEnd(9, "0")) };
}

/** `2006-01-02T15:04:05Z`. */
export function printTime(seconds: number): string {
  return timestamp(seconds * 1000);
}

/** `2006-01-02T15:04:05.000000Z`. */
export function printMicroTime(seconds: number, nanos: number): string {
  const micros = String(Math.floor(nanos / 1000)).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}
