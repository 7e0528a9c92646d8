// The schedule of a CronJob: five fields or a word such as @hourly, and the next moment that it means
// (robfig/cron standard parser, as Kubernetes uses it).

/** Values that each field allows; `anyDay` where day of month or day of week is `*`, because then both must match. */
export interface CronSchedule {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  anyDay: boolean;
}

const words: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

interface Field {
  low: number;
  high: number;
  names?: readonly string[];
}
const fields: readonly Field[] = [
  { low: 0, high: 59 },
  { low: 0, high: 23 },
  { low: 1, high: 31 },
  { low: 1, high: 12, names: monthNames },
  { low: 0, high: 6, names: dayNames },
];

function parseNumber(text: string, { low, names }: Field): number | string {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + low;
  return /^\d{1,5}$/.test(text)
    ? Number(text)
    : `failed to parse int from ${text}: strconv.Atoi: parsing "${text}": invalid syntax`;
}

function parseRange(text: string, field: Field, into: Set<number>): string | undefined {
  const [span = "", stepText, extra] = text.split("/");
  const [lowText = "", highText, more] = span.split("-");
  if (extra !== undefined) return `too many slashes: ${text}`;
  if (more !== undefined) return `too many hyphens: ${text}`;
  let low = field.low;
  let high = field.high;
  if (lowText !== "*" && lowText !== "?") {
    const first = parseNumber(lowText, field);
    if (typeof first === "string") return first;
    low = first;
    const last =
      highText === undefined ? (stepText === undefined ? low : field.high) : parseNumber(highText, field);
    if (typeof last === "string") return last;
    high = last;
  }
  const step = stepText === undefined ? 1 : parseNumber(stepText, { low: 0, high: 0 });
  if (typeof step === "string") return step;
  if (low < field.low) return `beginning of range (${low}) below minimum (${field.low}): ${text}`;
  if (high > field.high) return `end of range (${high}) above maximum (${field.high}): ${text}`;
  if (low > high) return `beginning of range (${low}) beyond end of range (${high}): ${text}`;
  if (step === 0) return `step of range should be a positive number: ${text}`;
  for (let n = low; n <= high; n += step) into.add(n);
  return undefined;
}

/** The schedule, or what is wrong with the text. */
export function parseCronSchedule(text: string): CronSchedule | string {
  if (text.startsWith("@") && !Object.hasOwn(words, text)) return `unrecognized descriptor: ${text}`;
  const parts = (Object.hasOwn(words, text) ? words[text]! : text).trim().split(/\s+/);
  if (parts.length !== 5) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(" ")}]`;
  const sets: Set<number>[] = [];
  for (const [i, field] of fields.entries()) {
    const set = new Set<number>();
    for (const range of parts[i]!.split(",")) {
      const wrong = parseRange(range, field, set);
      if (wrong !== undefined) return wrong;
    }
    sets.push(set);
  }
  const star = (i: number): boolean => /(^|,)[*?]/.test(parts[i]!);
  const [minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  return { minutes, hours, days, months, weekdays, anyDay: star(2) || star(4) };
}

function matchesDay(s: CronSchedule, day: number, weekday: number): boolean {
  const byDay = s.days.has(day);
  const byWeekday = s.weekdays.has(weekday);
  return s.anyDay ? byDay && byWeekday : byDay || byWeekday;
}

/** Five years ahead nothing more is looked for: 30 February never comes. */
const horizonMs = 5 * 366 * 86_400_000;
const minuteMs = 60_000;

interface WallClock {
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
}

function wallClock(timeZone: string | undefined): (ms: number) => WallClock {
  if (!timeZone || timeZone === "UTC")
    return (ms) => {
      const d = new Date(ms);
      return {
        minute: d.getUTCMinutes(),
        hour: d.getUTCHours(),
        day: d.getUTCDate(),
        month: d.getUTCMonth() + 1,
        weekday: d.getUTCDay(),
      };
    };
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    minute: "numeric",
    hour: "numeric",
    day: "numeric",
    month: "numeric",
    weekday: "short",
  });
  return (ms) => {
    const part = new Map(format.formatToParts(ms).map((p) => [p.type, p.value]));
    const n = (name: Intl.DateTimeFormatPartTypes): number => Number(part.get(name));
    const weekday = dayNames.indexOf(part.get("weekday")!.toLowerCase());
    return { minute: n("minute"), hour: n("hour"), day: n("day"), month: n("month"), weekday };
  };
}

/** The first moment after `afterMs` (milliseconds since the epoch) that the schedule means; undefined for never. */
export function nextCronTime(s: CronSchedule, afterMs: number, timeZone?: string): number | undefined {
  const read = wallClock(timeZone);
  let t = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
  const end = afterMs + horizonMs;
  while (t <= end) {
    const w = read(t);
    const toNextHour = (60 - w.minute) * minuteMs;
    if (!s.months.has(w.month) || !matchesDay(s, w.day, w.weekday)) {
      // To the next midnight, an hour at a time near it: a day may have 23 or 25 hours.
      t += w.hour < 22 ? toNextHour + (21 - w.hour) * 3_600_000 : toNextHour;
    } else if (!s.hours.has(w.hour)) t += toNextHour;
    else if (!s.minutes.has(w.minute)) t += minuteMs;
    else return t;
  }
  return undefined;
}
