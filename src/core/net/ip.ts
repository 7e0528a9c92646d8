// IP addresses as strict values: parsed as Go's net/netip parses them, printed canonically (RFC 5952 for IPv6).

/** One address. `value` is its 32 or 128 bits as an unsigned integer; an IPv4-mapped IPv6 address stays family 6. */
export interface IPAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** Bits in an address of the family. */
export const addressBits = (family: 4 | 6): number => (family === 4 ? 32 : 128);

/** Parses `a.b.c.d`: four decimal numbers 0-255 without leading zeros. undefined for anything else. */
function parseIPv4(text: string): bigint | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  let value = 0;
  let octet = -1;
  let octets = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i === text.length ? 46 : text.charCodeAt(i);
    if (c === 46) {
      if (octet < 0 || octets === 4) return undefined;
      value = value * 256 + octet;
      octet = -1;
      octets++;
    } else if (c >= 48 && c <= 57) {
      if (octet === 0) return undefined;
      octet = Math.max(octet, 0) * 10 + (c - 48);
      if (octet > 255) return undefined;
    } else return undefined;
  }
  return octets === 4 ? BigInt(value) : undefined;
}

/** Parses RFC 4291 text: eight groups of 1-4 hex digits, one `::` for one or more zero groups, an IPv4 tail allowed. */
function parseIPv6(text: string): bigint | undefined {
  if (text.length < 2 || text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups: bigint[][] = [];
  for (const [h, half] of halves.entries()) {
    const out: bigint[] = [];
    const parts = half === "" ? [] : half.split(":");
    for (const [i, part] of parts.entries()) {
      if (part.includes(".")) {
        if (h !== halves.length - 1 || i !== parts.length - 1) return undefined;
        const tail = parseIPv4(part);
        if (tail === undefined) return undefined;
        out.push(tail >> 16n, tail & 0xffffn);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
        out.push(BigInt(`0x${part}`));
      }
    }
    groups.push(out);
  }
  const [head = [], tail] = groups;
  const known = head.length + (tail?.length ?? 0);
  if (tail === undefined ? known !== 8 : known > 7) return undefined;
  const all = tail === undefined ? head : [...head, ...Array<bigint>(8 - known).fill(0n), ...tail];
  return all.reduce((value, group) => (value << 16n) | group, 0n);
}

/** Strict parse; undefined when the text is no address. Zones (`fe80::1%eth0`) are refused: Kubernetes has no field for them. */
export function parseIP(text: string): IPAddress | undefined {
  const family = text.includes(":") ? 6 : 4;
  const value = family === 6 ? parseIPv6(text) : parseIPv4(text);
  return value === undefined ? undefined : { family, value };
}

/** An address that a constant or an already validated field holds; throws RangeError otherwise. */
export function mustParseIP(text: string): IPAddress {
  const ip = parseIP(text);
  if (ip === undefined) throw new RangeError(`not an IP address: ${JSON.stringify(text)}`);
  return ip;
}

export const isIPv4 = (text: string): boolean => parseIP(text)?.family === 4;
export const isIPv6 = (text: string): boolean => parseIP(text)?.family === 6;

/** True for ::ffff:0:0/96, IPv4 written as IPv6. */
export const isMapped = (ip: IPAddress): boolean => ip.family === 6 && ip.value >> 32n === 0xffffn;

function printIPv4(value: bigint): string {
  const v = Number(value);
  return `${v >>> 24}.${(v >>> 16) & 255}.${(v >>> 8) & 255}.${v & 255}`;
}

/** Canonical text: dotted quad, or RFC 5952 (lower case, the longest run of two or more zero groups as `::`, the first if equal). */
export function printIP(ip: IPAddress): string {
  if (ip.family === 4) return printIPv4(ip.value);
  if (isMapped(ip)) return `::ffff:${printIPv4(ip.value & 0xffffffffn)}`;
  const groups = Array.from({ length: 8 }, (_, i) => Number((ip.value >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
    at += length;
  }
  const hex = (part: number[]) => part.map((g) => g.toString(16)).join(":");
  if (best.at < 0) return hex(groups);
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}

/** The same address as everybody writes it; text that is no address stays as it is. */
export function canonicalIP(text: string): string {
  const ip = parseIP(text);
  return ip === undefined ? text : printIP(ip);
}

/** Which special-use range an address is in (RFC 6890), as Go's net.IP predicates decide. */
export type AddressScope =
  | "unspecified"
  | "loopback"
  | "linkLocal"
  | "linkLocalMulticast"
  | "multicast"
  | "unicast";

/** An IPv4-mapped address has the scope of the IPv4 address in it, as in Go's net.IP. */
export function scopeOf(ip: IPAddress): AddressScope {
  if (isMapped(ip)) return scopeOf({ family: 4, value: ip.value & 0xffffffffn });
  const v = ip.value;
  if (v === 0n) return "unspecified";
  if (ip.family === 4) {
    if (v >> 24n === 127n) return "loopback";
    if (v >> 16n === 0xa9fen) return "linkLocal";
    if (v >> 8n === 0xe00000n) return "linkLocalMulticast";
    return v >> 28n === 0xen ? "multicast" : "unicast";
  }
  if (v === 1n) return "loopback";
  if (v >> 118n === 0x3fan) return "linkLocal";
  if (v >> 120n !== 0xffn) return "unicast";
  return ((v >> 112n) & 0xfn) === 2n ? "linkLocalMulticast" : "multicast";
}

/** The name of the address under in-addr.arpa or ip6.arpa, without a final dot (RFC 1035 3.5, RFC 3596 2.5). */
export function reverseName(ip: IPAddress): string {
  if (ip.family === 4) return `${printIPv4(ip.value).split(".").reverse().join(".")}.in-addr.arpa`;
  return `${[...ip.value.toString(16).padStart(32, "0")].reverse().join(".")}.ip6.arpa`;
}
