// The query of a container log request: PodLogOptions of core/v1, parsed and validated with Kubernetes' words.
import type { FieldError } from "../api/status.ts";

export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  /** Only lines at or after this time, milliseconds since the epoch. */
  since: number | undefined;
  /** Last lines only; undefined: from the beginning. */
  tailLines: number | undefined;
  limitBytes: number | undefined;
  stream: "All" | "Stdout" | "Stderr";
}

const integer = /^[+-]?\d+$/;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A flag of an options query as apimachinery reads it: there is true, unless it says "0" or "false". */
export function parseFlag(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}

/** `error`: the query cannot be read at all. `invalid`: it can, but says something impossible. */
export type ParsedLogOptions =
  | { kind: "ok"; options: LogOptions }
  | { kind: "error"; message: string }
  | { kind: "invalid"; errors: FieldError[] };

/** `now` is milliseconds since the epoch, from which sinceSeconds counts back. */
export function parseLogOptions(query: URLSearchParams, now: number): ParsedLogOptions {
  const errors: FieldError[] = [];
  let message: string | undefined;
  const number = (field: string, least: number, detail: string): number | undefined => {
    const text = query.get(field);
    if (text === null || text === "") return undefined;
    if (!integer.test(text) || !Number.isSafeInteger(Number(text))) {
      message ??= `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`;
      return undefined;
    }
    const value = Number(text);
    if (value < least) errors.push({ type: "FieldValueInvalid", field, value, detail });
    return value;
  };
  const tailLines = number("tailLines", 0, "must be greater than or equal to 0");
  const limitBytes = number("limitBytes", 1, "must be greater than 0");
  const sinceSeconds = number("sinceSeconds", 1, "must be greater than 0");
  const sinceTime = query.get("sinceTime") || undefined;
  if (sinceTime !== undefined && !(rfc3339.test(sinceTime) && Number.isFinite(Date.parse(sinceTime))))
    message ??= `parsing time ${JSON.stringify(sinceTime)} as "2006-01-02T15:04:05Z07:00": cannot parse it`;
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    errors.push({
      type: "FieldValueForbidden",
      field: "",
      detail: "at most one of `sinceTime` or `sinceSeconds` may be specified",
    });
  const stream = query.get("stream") || "All";
  if (stream !== "All" && stream !== "Stdout" && stream !== "Stderr")
    errors.push({
      type: "FieldValueNotSupported",
      field: "stream",
      value: stream,
      detail: 'supported values: "All", "Stderr", "Stdout"',
    });
  if (stream !== "All" && tailLines !== undefined)
    errors.push({
      type: "FieldValueForbidden",
      field: "",
      detail: "`tailLines` and specific `stream` are mutually exclusive for now",
    });
  if (message !== undefined) return { kind: "error", message };
  if (errors.length > 0) return { kind: "invalid", errors };
  let since: number | undefined;
  if (sinceSeconds !== undefined) since = now - sinceSeconds * 1000;
  else if (sinceTime !== undefined) since = Date.parse(sinceTime);
  const options: LogOptions = {
    follow: parseFlag(query.get("follow")),
    previous: parseFlag(query.get("previous")),
    timestamps: parseFlag(query.get("timestamps")),
    since,
    tailLines,
    limitBytes,
    stream: stream as LogOptions["stream"],
  };
  return { kind: "ok", options };
}
