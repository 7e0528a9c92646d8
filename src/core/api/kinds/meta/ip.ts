// IP addresses and CIDR ranges in fields (apimachinery util/validation/ip.go), with the strictness of KEP-4858.
import { isMapped, masked, parseCIDR, parseIP, printCIDR, printIP, scopeOf } from "../../../net/mod.ts";
import type { FieldError } from "../../status.ts";
import { invalid } from "./field.ts";

/** Without the leading zeros that older Kubernetes read as decimal. */
const withoutZeros = (text: string): string =>
  text.includes(".")
    ? text.replace(/(^|[.:/])0+(?=[0-9]+(?:[./]|$))/g, "$1")
    : text.replace(/\/0+(?=[0-9])/, "/");

/** An address; `old` values are taken as they are. */
export function validateIP(path: string, value: string, old: readonly string[] = []): FieldError[] {
  if (old.includes(value)) return [];
  const ip = parseIP(value);
  if (!ip)
    return parseIP(withoutZeros(value))
      ? [invalid(path, value, "must not have leading 0s")]
      : [invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  return isMapped(ip) ? [invalid(path, value, "must not be an IPv4-mapped IPv6 address")] : [];
}

export function validateCIDR(path: string, value: string, old: readonly string[] = []): FieldError[] {
  if (old.includes(value)) return [];
  const cidr = parseCIDR(value);
  if (!cidr)
    return parseCIDR(withoutZeros(value))
      ? [invalid(path, value, "must not have leading 0s in IP or prefix length")]
      : [invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
  if (isMapped(cidr.address)) return [invalid(path, value, "must not have an IPv4-mapped IPv6 address")];
  return masked(cidr).address.value === cidr.address.value
    ? []
    : [invalid(path, value, "must not have bits set beyond the prefix length")];
}

/** An interface's address: `10.9.8.7/24`, whose bits beyond the prefix are its own. */
export function validateInterfaceAddress(path: string, value: string): FieldError[] {
  const cidr = parseCIDR(value) ?? parseCIDR(withoutZeros(value));
  if (!cidr)
    return [
      invalid(path, value, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"),
    ];
  const canonical = printCIDR(cidr);
  return value === canonical
    ? []
    : [invalid(path, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** The warning for an IPv6 address that is not written canonically. */
export function warnIP(path: string, value: string): string[] {
  const ip = parseIP(value);
  if (!ip || ip.family === 4 || printIP(ip) === value) return [];
  return [
    `${path}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(printIP(ip))})`,
  ];
}

export function warnCIDR(path: string, value: string): string[] {
  const cidr = parseCIDR(value);
  if (!cidr || cidr.address.family === 4 || printCIDR(cidr) === value) return [];
  return [
    `${path}: IPv6 CIDR value ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(printCIDR(cidr))})`,
  ];
}

/** Endpoints and external IPs: addresses that mean something only on one machine are refused. */
export function validateNonSpecialIP(path: string, value: string): FieldError[] {
  const ip = parseIP(value) ?? parseIP(withoutZeros(value));
  if (!ip) return [invalid(path, value, "must be a valid IP address")];
  const why: Partial<Record<ReturnType<typeof scopeOf>, string>> = {
    unspecified: `may not be unspecified (${value})`,
    loopback: "may not be in the loopback range (127.0.0.0/8, ::1/128)",
    linkLocal: "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
    linkLocalMulticast: "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
  };
  const detail = why[scopeOf(ip)];
  return detail === undefined ? [] : [invalid(path, value, detail)];
}
