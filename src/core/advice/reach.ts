// Who cannot reach a Service that works: nodes without an endpoint where a policy says Local, and clients outside the ranges
// that a load balancer lets in (Service API: externalTrafficPolicy, internalTrafficPolicy, loadBalancerSourceRanges).
import type { EndpointSlice, Service } from "../api/types.ts";
import { type CIDR, contains, familyOf, parseCIDR, parseIP } from "../net/mod.ts";
import type { Finding } from "./finding.ts";

const named = (nodes: readonly string[]): string =>
  nodes.length > 3 ? `${nodes.slice(0, 3).join(", ")} and ${nodes.length - 3} more` : nodes.join(", ");

/** `nodes` are the names of those that are ready. */
export function localPolicyFindings(
  service: Service,
  slices: readonly EndpointSlice[],
  nodes: readonly string[],
): Finding[] {
  const { externalTrafficPolicy, internalTrafficPolicy, ports = [] } = service.spec ?? {};
  const outside = externalTrafficPolicy === "Local" && ports.some((p) => p.nodePort);
  const inside = internalTrafficPolicy === "Local";
  if (!outside && !inside) return [];
  const having = new Set<string | undefined>();
  for (const slice of slices)
    for (const e of slice.endpoints ?? []) if (e.conditions?.ready !== false) having.add(e.nodeName);
  if (having.size === 0) return [];
  const without = nodes.filter((n) => !having.has(n)).sort();
  if (without.length === 0) return [];
  const out: Finding[] = [];
  if (outside)
    out.push({
      reason: "NodePortBlocked",
      severity: "advice",
      message: `spec.externalTrafficPolicy: Local, and no ready endpoint on ${named(without)}: node port ${ports.find((p) => p.nodePort)!.nodePort} does not answer there`,
    });
  if (inside)
    out.push({
      reason: "LocalEndpointsMissing",
      severity: "advice",
      message: `spec.internalTrafficPolicy: Local, and no ready endpoint on ${named(without)}: pods there cannot reach it`,
    });
  return out;
}

/**
 * `hosts` are the addresses from which the machine of the cluster comes, one a family. Ranges guard the families that they are
 * of; another one is open to everybody.
 */
export function sourceRangeFindings(service: Service, hosts: readonly string[]): Finding[] {
  const { type, loadBalancerSourceRanges: ranges = [], ipFamilies = ["IPv4"] } = service.spec ?? {};
  if (type !== "LoadBalancer" || ranges.length === 0) return [];
  const cidrs = ranges.map((r) => parseCIDR(r.trim())).filter((c) => c !== undefined);
  const guarding = (family: string): CIDR[] =>
    cidrs.filter((c) => c.address.family === (family === "IPv6" ? 6 : 4));
  const shut = hosts.filter((host) => {
    const from = parseIP(host);
    const guards = guarding(familyOf(host));
    const within = from && guards.some((c) => contains(c, from));
    return ipFamilies.includes(familyOf(host)) && guards.length > 0 && !within;
  });
  const open = ipFamilies.filter((f) => guarding(f).length === 0);
  const found: Finding[] = [];
  if (open.length > 0)
    found.push({
      reason: "SourceRangesOpen",
      severity: "advice",
      message: `spec.loadBalancerSourceRanges: none of them is of ${open.join(" or ")}, so everybody is answered over it`,
    });
  if (shut.length > 0)
    found.push({
      reason: "SourceRangesExcludeHost",
      severity: "advice",
      message: `spec.loadBalancerSourceRanges: ${shut.join(" and ")}, this cluster's host, is in none of them and will not be answered`,
    });
  return found;
}
