// Which addresses are a Service's alone: what nobody serves there is refused. An external address, and a load balancer's outside
// the cluster's range, may be a machine's own and answer more than the Service.
import { type CIDR, contains, parseIP } from "../net/mod.ts";
import type { Frontend } from "./routing.ts";

export function ownsAddress({ kind, address }: Frontend, serviceRanges: readonly CIDR[]): boolean {
  if (kind === "cluster-ip") return true;
  if (kind !== "load-balancer") return false;
  const ip = parseIP(address ?? "");
  return ip !== undefined && serviceRanges.some((r) => contains(r, ip));
}
