// Ages as kubectl prints them (apimachinery util/duration HumanDuration): two or three significant figures.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

const two = (a: number, unitA: string, b: number, unitB: string): string =>
  b === 0 ? `${a}${unitA}` : `${a}${unitA}${b}${unitB}`;

/** A length of time for humans: `45s`, `3m20s`, `5h`, `2d3h`, `400d`. Up to two seconds before zero count as zero. */
export function humanDuration(milliseconds: number): string {
  const s = Math.trunc(milliseconds / 1000);
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 2 * MINUTE) return `${s}s`;
  const part = (of: number, unit: number) => Math.floor(of / unit);
  if (s < 10 * MINUTE) return two(part(s, MINUTE), "m", s % MINUTE, "s");
  if (s < 3 * HOUR) return `${part(s, MINUTE)}m`;
  if (s < 8 * HOUR) return two(part(s, HOUR), "h", part(s % HOUR, MINUTE), "m");
  if (s < 2 * DAY) return `${part(s, HOUR)}h`;
  if (s < 8 * DAY) return two(part(s, DAY), "d", part(s % DAY, HOUR), "h");
  if (s < 2 * YEAR) return `${part(s, DAY)}d`;
  if (s < 8 * YEAR) return two(part(s, YEAR), "y", part(s % YEAR, DAY), "d");
  return `${part(s, YEAR)}y`;
}

/** The age of an RFC 3339 timestamp at `now` (milliseconds since the epoch); `<unknown>` when there is none. */
export function age(timestamp: string | null | undefined, now: number): string {
  const at = timestamp ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(at) ? "<unknown>" : humanDuration(now - at);
}
