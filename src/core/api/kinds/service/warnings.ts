// Warnings about Services (kubernetes pkg/api/service/warnings.go).
import type { Service } from "../../types.ts";
import { warnCIDR, warnIP } from "../meta/mod.ts";

const HINTS = "service.kubernetes.io/topology-aware-hints";
const MODE = "service.kubernetes.io/topology-mode";

export function serviceWarnings(s: Service): string[] {
  const spec = s.spec ?? {};
  const warnings: string[] = [];
  const headless = spec.type === "ClusterIP" && spec.clusterIP === "None";
  const externalName = spec.type === "ExternalName";
  const externalIPs = spec.externalIPs ?? [];
  if (s.metadata.annotations?.[HINTS] !== undefined)
    warnings.push(`annotation ${HINTS} is deprecated, please use ${MODE} instead`);
  for (const [i, ip] of (spec.clusterIPs ?? []).entries())
    warnings.push(...warnIP(`spec.clusterIPs[${i}]`, ip));
  if (headless) {
    if (spec.loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (externalIPs.length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity !== "None")
      warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  for (const [i, ip] of externalIPs.entries()) warnings.push(...warnIP(`spec.externalIPs[${i}]`, ip));
  if (externalIPs.length > 0 && !headless && !externalName)
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  if (spec.loadBalancerIP) warnings.push(...warnIP("spec.loadBalancerIP", spec.loadBalancerIP));
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries())
    warnings.push(...warnCIDR(`spec.loadBalancerSourceRanges[${i}]`, range.trim()));
  if (externalName && externalIPs.length > 0)
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (!externalName && spec.externalName)
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === "PreferClose")
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}

export const serviceStatusWarnings = (s: Service): string[] =>
  (s.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
    ip ? warnIP(`status.loadBalancer.ingress[${i}]`, ip) : [],
  );
