// IPv4 ranges as numbers: enough to lay out a cluster's addresses and to see whether two ranges overlap.

export interface Range {
  /** First address as an unsigned 32-bit number. */
  base: number;
  bits: number;
}

/** Parses `a.b.c.d/n` strictly (no leading zeros, base address only); undefined when it is anything else. */
export function parseRange(text: string): Range | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!m) return undefined;
  const parts = m.slice(1, 6).map((p) => (p !== "0" && p.startsWith("0") ? Number.NaN : Number(p)));
  if (parts.some(Number.isNaN) || parts.slice(0, 4).some((p) => p > 255) || parts[4]! > 32) return undefined;
  const base = ((parts[0]! * 256 + parts[1]!) * 256 + parts[2]!) * 256 + parts[3]!;
  const bits = parts[4]!;
  return base % 2 ** (32 - bits) === 0 ? { base, bits } : undefined;
}

export const printAddress = (n: number): string =>
  [n / 2 ** 24, n / 2 ** 16, n / 2 ** 8, n].map((p) => Math.floor(p) % 256).join(".");

export const printRange = (r: Range): string => `${printAddress(r.base)}/${r.bits}`;

/** The nth address of the range, as text. */
export const nthAddress = (r: Range, n: number): string => printAddress(r.base + n);

/** The nth sub-range of the given prefix length. */
export const nthSubrange = (r: Range, bits: number, n: number): Range => ({
  base: r.base + n * 2 ** (32 - bits),
  bits,
});

export const size = (r: Range): number => 2 ** (32 - r.bits);

export const overlap = (a: Range, b: Range): boolean =>
  a.base < b.base + size(b) && b.base < a.base + size(a);
