// Comparing, adding and rounding quantities, exactly (apimachinery resource.Quantity: Cmp, Add, Sub, ScaledValue).
import { parseQuantity, type Quantity } from "./quantity.ts";

const atScale = (q: Quantity, scale: number): bigint => q.unscaled * 10n ** BigInt(q.scale - scale);

export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  const scale = Math.min(a.scale, b.scale);
  const x = atScale(a, scale);
  const y = atScale(b, scale);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sum; it is printed as `a` is, or as `b` where `a` is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  const scale = Math.min(a.scale, b.scale);
  const format = a.unscaled === 0n ? b.format : a.format;
  return { unscaled: atScale(a, scale) + atScale(b, scale), scale, format };
}

/** `q / 10^scale`, rounded away from zero. */
export function scaledValue(q: Quantity, scale: number): bigint {
  if (q.scale >= scale) return atScale(q, scale);
  const divisor = 10n ** BigInt(scale - q.scale);
  const quotient = q.unscaled / divisor;
  if (q.unscaled % divisor === 0n) return quotient;
  return q.unscaled < 0n ? quotient - 1n : quotient + 1n;
}

/** Whole units (bytes, cores), rounded up, as a number; exact up to 2^53. */
export function quantityValue(q: Quantity | string): number {
  return Number(scaledValue(typeof q === "string" ? parseQuantity(q) : q, 0));
}

/** Thousandths (millicores), rounded up, as a number; exact up to 2^53. */
export function quantityMilliValue(q: Quantity | string): number {
  return Number(scaledValue(typeof q === "string" ? parseQuantity(q) : q, -3));
}
