// Address ranges in CIDR form as strict values (RFC 4632), parsed as Go's netip.ParsePrefix does.
import { addressBits, type IPAddress, parseIP, printIP } from "./ip.ts";

/** A prefix. `address` may have bits beyond the prefix, as in an interface address; `masked` clears them. */
export interface CIDR {
  readonly address: IPAddress;
  /** 0 to 32 or 128. */
  readonly bits: number;
}

/** `10.0.0.0/8`; undefined when the text is no prefix. Refuses signs and leading zeros in the length. */
export function parseCIDR(text: string): CIDR | undefined {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return undefined;
  const address = parseIP(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9][0-9]{0,2})$/.test(length)) return undefined;
  const bits = Number(length);
  return bits <= addressBits(address.family) ? { address, bits } : undefined;
}

/** A range that a constant or an already validated field holds; throws RangeError otherwise. */
export function mustParseCIDR(text: string): CIDR {
  const cidr = parseCIDR(text);
  if (cidr === undefined) throw new RangeError(`not a CIDR range: ${JSON.stringify(text)}`);
  return cidr;
}

const hostBits = (c: CIDR): bigint => BigInt(addressBits(c.address.family) - c.bits);

/** The range with the bits beyond its prefix cleared. */
export function masked(c: CIDR): CIDR {
  const host = hostBits(c);
  return { address: { family: c.address.family, value: (c.address.value >> host) << host }, bits: c.bits };
}

export const printCIDR = (c: CIDR): string => `${printIP(c.address)}/${c.bits}`;

/** How many addresses are in the range. */
export const sizeOf = (c: CIDR): bigint => 1n << hostBits(c);

/** The nth address counted from the network address (0); undefined outside the range. */
export function nthAddress(c: CIDR, n: bigint | number): IPAddress | undefined {
  const at = BigInt(n);
  if (at < 0n || at >= sizeOf(c)) return undefined;
  return { family: c.address.family, value: masked(c).address.value + at };
}

/** The nth range of that prefix length within the range; undefined outside it. */
export function nthSubnet(c: CIDR, bits: number, n: number): CIDR | undefined {
  if (bits < c.bits || bits > addressBits(c.address.family)) return undefined;
  const first = nthAddress(c, BigInt(n) << BigInt(addressBits(c.address.family) - bits));
  return first && { address: first, bits };
}

/** Where the address stands in the range, counted from the network address; undefined when it is outside. */
export function offsetIn(c: CIDR, ip: IPAddress): bigint | undefined {
  return contains(c, ip) ? ip.value - masked(c).address.value : undefined;
}

export function contains(c: CIDR, ip: IPAddress): boolean {
  const host = hostBits(c);
  return c.address.family === ip.family && ip.value >> host === c.address.value >> host;
}

export function overlaps(a: CIDR, b: CIDR): boolean {
  const wide = a.bits <= b.bits ? a : b;
  return contains(wide, wide === a ? b.address : a.address);
}
