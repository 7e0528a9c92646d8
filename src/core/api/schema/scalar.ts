// Checks and canonicalises the values that are no messages: what Go would read them as, or the words of its refusal.
import { canonicalQuantity, QuantityError } from "../quantity/mod.ts";
import type { Field, Scalar } from "./schema.ts";
import { parseTime, printMicroTime, printTime } from "./time.ts";

/** A value that does not fit: Go's name of what came, or a whole message. */
export class Misfit {
  readonly came: string | undefined;
  readonly message: string | undefined;
  /** The Go type that was wanted, where it is not the field's. */
  readonly wanted: string | undefined;
  constructor(came: string | undefined, message?: string, wanted?: string) {
    this.came = came;
    this.message = message;
    this.wanted = wanted;
  }
}

/** What Go's encoding/json calls a value: "string", "number", "bool", "array", "object". */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** `number 1.5` where a number came that does not fit a type of numbers, else the kind. */
function numberOrKind(value: unknown): string {
  return typeof value === "number" ? `number ${value}` : goKind(value);
}

const canonicalTime =
  /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$/;
const canonicalMicroTime =
  /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$/;
const smallQuantity = /^(?:[1-9][0-9]{0,2}(?:m|Ki|Mi|Gi)|[1-9][0-9]{0,2})$/;

function readBase64(text: string): string | Misfit {
  const clean = text.replace(/[\r\n]/g, "");
  const bad = /[^A-Za-z0-9+/]/.exec(clean.replace(/={0,2}$/, ""));
  if (bad) return new Misfit(undefined, `illegal base64 data at input byte ${bad.index}`);
  if (clean.length % 4 !== 0)
    return new Misfit(undefined, `illegal base64 data at input byte ${clean.length - (clean.length % 4)}`);
  return clean;
}

function readTime(value: unknown, micro: boolean): string | Misfit {
  if (typeof value !== "string") return new Misfit(goKind(value), undefined, "string");
  if ((micro ? canonicalMicroTime : canonicalTime).test(value)) return value;
  const time = parseTime(value, micro ? "2006-01-02T15:04:05.000000Z07:00" : undefined);
  if (typeof time === "string") return new Misfit(undefined, time);
  return micro ? printMicroTime(time.seconds, time.nanos) : printTime(time.seconds);
}

function readQuantity(value: unknown): string | Misfit {
  if (typeof value === "string" && smallQuantity.test(value)) return value;
  // The quotes are stripped and the rest is read, whatever it is: an object is a quantity of the wrong format.
  const text = typeof value === "string" || typeof value === "number" ? value : JSON.stringify(goKind(value));
  try {
    return canonicalQuantity(text);
  } catch (e) {
    if (e instanceof QuantityError) return new Misfit(undefined, e.message);
    throw e;
  }
}

function readInteger(value: unknown, bits: 32 | 64): number | Misfit {
  const limit = bits === 32 ? 2 ** 31 : 2 ** 63;
  if (typeof value === "number" && Number.isInteger(value) && value >= -limit && value < limit) return value;
  return new Misfit(numberOrKind(value));
}

/** The canonical JSON of a value that is not null, or why it is none. */
export function readScalar(scalar: Scalar, value: unknown): unknown {
  switch (scalar) {
    case "string":
      return typeof value === "string" ? value : new Misfit(goKind(value));
    case "bool":
      return typeof value === "boolean" ? value : new Misfit(goKind(value));
    case "int32":
      return readInteger(value, 32);
    case "int64":
      return readInteger(value, 64);
    case "double":
      return typeof value === "number" ? value : new Misfit(goKind(value));
    case "bytes":
      return typeof value === "string" ? readBase64(value) : new Misfit(goKind(value));
    case "Time":
      return readTime(value, false);
    case "MicroTime":
      return readTime(value, true);
    case "Quantity":
      return readQuantity(value);
    case "IntOrString": {
      if (typeof value === "string") return value;
      const n = readInteger(value, 32);
      return n instanceof Misfit ? new Misfit(n.came, undefined, "int32") : n;
    }
    default:
      return value;
  }
}

/** What null means for an element of a list or map. */
export function zeroOf(field: Field): unknown {
  switch (field.scalar) {
    case undefined:
      return field.model!.isList ? [] : {};
    case "string":
    case "bytes":
      return "";
    case "bool":
      return false;
    case "Quantity":
      return "0";
    case "int32":
    case "int64":
    case "double":
    case "IntOrString":
      return 0;
    default:
      return null;
  }
}
