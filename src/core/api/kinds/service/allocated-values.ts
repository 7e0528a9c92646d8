// What an update does to values that the server gave out: keeps those that an old client left out, drops those that a new type
// has no use for (kubernetes pkg/registry/core/service/storage: normalizeClusterIPs, patchAllocatedValues,
// dropTypeDependentFields). All change the new Service in place.
import type { Service } from "../../types.ts";
import { semanticEqual } from "../meta/mod.ts";
import {
  externallyAccessible,
  mayHaveNodePorts,
  needsClusterIP,
  needsHealthCheckNodePort,
  needsNodePort,
} from "./needs.ts";

const sameList = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  semanticEqual(a ?? [], b ?? []);

/** Keeps `clusterIP` and `clusterIPs` in step when a client speaks of only one. */
export function normalizeServiceClusterIPs(s: Service, old: Service | undefined): void {
  const spec = s.spec!;
  const now = spec.clusterIP ?? "";
  if (old === undefined) {
    if (now !== "" && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [now];
    return;
  }
  const was = old.spec?.clusterIP ?? "";
  const oldIPs = old.spec?.clusterIPs ?? [];
  if (oldIPs.length > 0 && (spec.clusterIPs ?? []).length === 0 && was === now) spec.clusterIPs = [...oldIPs];
  if (was === now || !sameList(spec.clusterIPs, oldIPs)) return;
  if (now === "") delete spec.clusterIPs;
  else spec.clusterIPs = [now];
}

function patchNodePorts(s: Service, old: Service): void {
  const portsOf = (x: Service) => x.spec?.ports ?? [];
  const has = new Set(portsOf(s).map((p) => p.nodePort ?? 0));
  const used = new Set(
    portsOf(old)
      .map((p) => p.nodePort ?? 0)
      .filter((n) => n !== 0 && has.has(n)),
  );
  const byName = new Map(portsOf(old).map((p) => [p.name ?? "", p.nodePort ?? 0]));
  for (const p of portsOf(s)) {
    if (p.nodePort) continue;
    const was = byName.get(p.name ?? "") ?? 0;
    if (was !== 0 && !used.has(was)) p.nodePort = was;
  }
}

/** Gives back what was allocated and the update does not mention. */
export function patchAllocatedValues(s: Service, old: Service): void {
  const spec = s.spec!;
  const was = old.spec ?? {};
  if (needsClusterIP(old) && needsClusterIP(s)) {
    if (!spec.clusterIP && was.clusterIP) spec.clusterIP = was.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && was.clusterIPs) spec.clusterIPs = [...was.clusterIPs];
  }
  if (needsNodePort(old) && needsNodePort(s)) patchNodePorts(s, old);
  if (needsHealthCheckNodePort(old) && needsHealthCheckNodePort(s))
    if (!spec.healthCheckNodePort && was.healthCheckNodePort)
      spec.healthCheckNodePort = was.healthCheckNodePort;
}

const nodePorts = (s: Service): number[] =>
  (s.spec?.ports ?? []).map((p) => p.nodePort ?? 0).filter((n) => n !== 0);

/** Wipes what the new type has no place for, unless the update changed it (then it is an error for validation to find). */
export function dropTypeDependentFields(s: Service, old: Service): void {
  const spec = s.spec!;
  const was = old.spec ?? {};
  if (needsClusterIP(old) && !needsClusterIP(s)) {
    if (spec.clusterIP === was.clusterIP && sameList(spec.clusterIPs, was.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (sameList(spec.ipFamilies, was.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === was.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(s) && nodePortsKept(s, old))
    for (const p of spec.ports ?? []) delete p.nodePort;
  if (needsHealthCheckNodePort(old) && !needsHealthCheckNodePort(s))
    if (spec.healthCheckNodePort === was.healthCheckNodePort) delete spec.healthCheckNodePort;
  if (was.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    if (spec.allocateLoadBalancerNodePorts === was.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === was.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (externallyAccessible(old) && !externallyAccessible(s))
    if (spec.externalTrafficPolicy === was.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  if (spec.type !== "LoadBalancer") s.status = { ...s.status, loadBalancer: {} };
}

/** An ExternalName is shown without one, whatever was asked for; a wrong value stays for validation to find. */
export function dropInternalTrafficPolicy({ spec }: Service): void {
  if (spec?.type !== "ExternalName") return;
  if (spec.internalTrafficPolicy === "Cluster" || spec.internalTrafficPolicy === "Local")
    delete spec.internalTrafficPolicy;
}

/** Every node port that the new Service names was the old one's. */
function nodePortsKept(s: Service, old: Service): boolean {
  const had = new Set(nodePorts(old));
  return nodePorts(s).every((n) => had.has(n));
}
