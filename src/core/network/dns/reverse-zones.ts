// Names under in-addr.arpa and ip6.arpa: the address they stand for, and the zone of ours they belong to.
import { addressBits, type CIDR, contains, type IPAddress, reverseName } from "../../net/mod.ts";

export interface ReverseName {
  /** Network address; bits beyond `bits` are zero. */
  readonly ip: IPAddress;
  /** How many bits the name gives: all of them for a whole address. */
  readonly bits: number;
}

/** Reads labels of a reverse name; undefined where they are none. */
export function parseReverseName(labels: readonly string[]): ReverseName | undefined {
  const n = labels.length;
  if (n < 2 || labels[n - 1] !== "arpa") return undefined;
  const family = labels[n - 2] === "in-addr" ? 4 : labels[n - 2] === "ip6" ? 6 : undefined;
  if (!family) return undefined;
  const parts = labels.slice(0, n - 2).reverse();
  const width = family === 4 ? 8 : 4;
  const rule = family === 4 ? /^(0|[1-9][0-9]{0,2})$/ : /^[0-9a-f]$/;
  const total = addressBits(family);
  if (parts.length * width > total) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!rule.test(part)) return undefined;
    const number = Number.parseInt(part, family === 4 ? 10 : 16);
    if (number >= 1 << width) return undefined;
    value = (value << BigInt(width)) | BigInt(number);
  }
  const bits = parts.length * width;
  return { ip: { family, value: value << BigInt(total - bits) }, bits };
}

/**
 * The zone of ours that the name lies in: the shortest whole-label reverse zone inside one of the ranges. Undefined where the
 * name lies outside all of them, or above.
 */
export function reverseZone(name: ReverseName, ranges: readonly CIDR[]): string | undefined {
  const width = name.ip.family === 4 ? 8 : 4;
  for (const range of ranges) {
    if (!contains(range, name.ip) || name.bits < range.bits) continue;
    const labels = reverseName(name.ip).split(".");
    const keep = Math.ceil(range.bits / width);
    return labels.slice(addressBits(name.ip.family) / width - keep).join(".");
  }
  return undefined;
}
