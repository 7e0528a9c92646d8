// Exact amounts with units, `100m`, `1Gi`, `12e6` (apimachinery resource.Quantity; API conventions, "Quantities").

export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** The amount `unscaled × 10^scale`; `format` is how it wants to be printed. */
export interface Quantity {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
}

const wrongFormat =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const wrongNumber = "unable to parse numeric part of quantity";
const wrongSuffix = "unable to parse quantity's suffix";

/** A text that is no quantity; the message is apimachinery's. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const decimal = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const decimalSuffix = new Map([...decimal].map(([suffix, exponent]) => [exponent, suffix]));
const binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const maxInt64 = 2n ** 63n - 1n;

const pow10 = (n: number): bigint => 10n ** BigInt(n);

/** Rounds away from zero so that the scale is at least `scale`. */
function roundUp(unscaled: bigint, from: number, scale: number): bigint {
  if (from >= scale) return unscaled * pow10(from - scale);
  const divisor = pow10(scale - from);
  const quotient = unscaled / divisor;
  if (unscaled % divisor === 0n) return quotient;
  return unscaled < 0n ? quotient - 1n : quotient + 1n;
}

/**
 * Reads a quantity. Throws QuantityError. An exponent beyond ±1000 is refused rather than computed.
 * Amounts finer than a billionth are rounded up to one; binary ones stop at 2^63-1.
 */
export function parseQuantity(text: string): Quantity {
  if (text === "") throw new QuantityError(wrongFormat);
  const m = /^([+-]?)([0-9]*)(?:(\.)([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text);
  if (!m) throw new QuantityError(wrongFormat);
  const [, sign, whole, point, fraction = "", suffix] = m as unknown as string[];
  let digits = whole! + fraction;
  if (digits === "") {
    // A bare sign is zero, as it is in Go; a point or suffix without digits is not a number.
    if (point !== undefined || suffix !== "") throw new QuantityError(wrongNumber);
    digits = "0";
  }
  let unscaled = BigInt(digits);
  let scale = -fraction.length;
  let format: QuantityFormat = "DecimalSI";
  const exponent = decimal.get(suffix!);
  const power = binary.indexOf(suffix!) + 1;
  if (exponent !== undefined) scale += exponent;
  else if (power > 0) {
    unscaled *= 1024n ** BigInt(power);
    format = "BinarySI";
  } else {
    const e = /^[eE]([+-]?[0-9]+)$/.exec(suffix!);
    if (!e) throw new QuantityError(wrongSuffix);
    const n = Number(e[1]);
    if (Math.abs(n) > 1000) throw new QuantityError(wrongSuffix);
    scale += n;
    format = "DecimalExponent";
  }
  if (scale < -9) {
    unscaled = roundUp(unscaled, scale, -9);
    scale = -9;
  }
  if (format === "BinarySI") {
    if (roundUp(unscaled, scale, 0) > maxInt64) {
      unscaled = maxInt64;
      scale = 0;
    } else if (unscaled > 0n && unscaled < pow10(-scale)) format = "DecimalSI";
  }
  return { unscaled: sign === "-" ? -unscaled : unscaled, scale, format };
}

/** The reason why a text is no quantity, undefined when it is one. */
export function quantityError(text: string): string | undefined {
  try {
    parseQuantity(text);
    return undefined;
  } catch (e) {
    if (e instanceof QuantityError) return e.message;
    throw e;
  }
}

/** The one way to write an amount: no fraction, no digits lost, the largest suffix that fits. */
export function printQuantity(q: Quantity): string {
  if (q.unscaled === 0n) return "0";
  let { unscaled, scale } = q;
  let format = q.format;
  if (format === "BinarySI") {
    const whole = roundUp(unscaled, scale, 0);
    const exact = scale >= 0 || unscaled % pow10(-scale) === 0n;
    const small = whole > -1024n && whole < 1024n;
    if (!small && exact) {
      let power = 0;
      let n = whole;
      for (; power < binary.length && n % 1024n === 0n; power++) n /= 1024n;
      return `${n}${power > 0 ? binary[power - 1] : ""}`;
    }
    format = "DecimalSI";
  }
  while (unscaled % 10n === 0n) {
    unscaled /= 10n;
    scale++;
  }
  while (scale % 3 !== 0) {
    unscaled *= 10n;
    scale--;
  }
  if (format === "DecimalExponent") return scale === 0 ? `${unscaled}` : `${unscaled}e${scale}`;
  for (; scale > 18; scale -= 3) unscaled *= 1000n;
  return `${unscaled}${decimalSuffix.get(scale)!}`;
}

/**
 * Whether Kubernetes hands a quantity on in the words in which it came: where its parser sees at a glance that nothing could be
 * shortened (up to 18 digits, an exponent that has a suffix, no zeros to move into it).
 */
function keepsItsText(text: string): boolean {
  const [, whole, fraction = "", suffix] = /^[+-]?0*([0-9]*)(?:\.([0-9]*))?(.*)$/.exec(
    text,
  ) as unknown as string[];
  const digits = (whole || "0") + fraction;
  const power = binary.indexOf(suffix!) + 1;
  if (power > 0) return fraction === "" && 14 - digits.length - power * 3 >= 0 && BigInt(digits) % 8n !== 0n;
  const exponent = decimal.get(suffix!) ?? Number(suffix!.slice(1));
  const scale = exponent - fraction.length;
  return (
    digits.length <= 18 &&
    scale >= -9 &&
    scale % 3 === 0 &&
    !digits.endsWith("000") &&
    !digits.startsWith("0")
  );
}

/** The text of a quantity as Kubernetes writes what JSON carried (string or number). Throws QuantityError. */
export function canonicalQuantity(value: string | number): string {
  const text = String(value).trim();
  const quantity = parseQuantity(text);
  return keepsItsText(text) ? text : printQuantity(quantity);
}
