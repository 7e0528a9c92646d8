// Defaults of Services (kubernetes pkg/apis/core/v1/defaults.go SetDefaults_Service).
import type { Service } from "../../types.ts";
import { externallyAccessible } from "./needs.ts";

const AFFINITY_SECONDS = 10800;

export function setServiceDefaults(s: Service): void {
  s.spec ??= {};
  const spec = s.spec;
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds == null)
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_SECONDS } };
  spec.type ||= "ClusterIP";
  for (const p of spec.ports ?? []) {
    p.protocol ||= "TCP";
    if (p.targetPort == null || p.targetPort === 0 || p.targetPort === "") p.targetPort = p.port;
  }
  if (externallyAccessible(s)) spec.externalTrafficPolicy ||= "Cluster";
  if (spec.type === "NodePort" || spec.type === "LoadBalancer" || spec.type === "ClusterIP")
    spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const i of s.status?.loadBalancer?.ingress ?? []) if (i.ip) i.ipMode ??= "VIP";
  }
  s.status ??= {};
  s.status.loadBalancer ??= {};
}
