// Which addresses the API server may be made to dial for a client: never itself, the link, or the void.
import { isIPv4, isIPv6 } from "node:net";

/** False for loopback, link-local, multicast, unspecified and what is no address at all. */
export function isProxyableAddress(address: string): boolean {
  if (isIPv4(address)) {
    const [a = 0, b = 0] = address.split(".").map(Number);
    return a !== 0 && a !== 127 && a < 224 && !(a === 169 && b === 254);
  }
  if (!isIPv6(address)) return false;
  const lower = address.toLowerCase();
  if (lower === "::" || lower === "::1" || lower.startsWith("::ffff:")) return false;
  return !/^(fe[89ab]|ff)/.test(lower);
}
