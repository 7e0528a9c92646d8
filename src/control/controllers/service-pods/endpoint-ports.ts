// What a pod offers of a Service: its addresses and, for every port, the number in that very pod
// (pkg/controller/endpoint, k8s.io/endpointslice FindPort).
import { concurrentContainers } from "../../../core/api/kinds/pod/sidecar.ts";
import type { Pod, Service, ServicePort } from "../../../core/api/types.ts";
import { isPodTerminal } from "../pods/mod.ts";

export interface ResolvedPort {
  name: string;
  port: number;
  protocol: string;
  appProtocol?: string;
}

export const isHeadless = (service: Service): boolean =>
  !service.spec?.clusterIP || service.spec.clusterIP === "None";

/** A named target port may have another number in every pod, and none in some. */
function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  for (const container of concurrentContainers(pod.spec))
    for (const p of container.ports ?? [])
      if (p.name === target && (p.protocol ?? "TCP") === (port.protocol ?? "TCP")) return p.containerPort;
  return undefined;
}

/** The Service's ports as this pod serves them; those that it does not have are left out. */
export function resolvePorts(service: Service, pod: Pod): ResolvedPort[] {
  const out: ResolvedPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = targetPortOf(pod, port);
    if (number === undefined) continue;
    out.push({
      name: port.name ?? "",
      port: number,
      protocol: port.protocol ?? "TCP",
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    });
  }
  return out;
}

export function podAddresses(pod: Pod, family: "IPv4" | "IPv6"): string[] {
  const all = pod.status?.podIPs?.length
    ? pod.status.podIPs.map((p) => p.ip)
    : pod.status?.podIP
      ? [pod.status.podIP]
      : [];
  return all.filter((ip) => ip.includes(":") === (family === "IPv6"));
}

/** A finished pod and one without an address have nothing to offer; a terminating one only where it is asked for. */
export function canBeEndpoint(pod: Pod, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod)) return false;
  if (!pod.status?.podIP && !pod.status?.podIPs?.length) return false;
  return includeTerminating || !pod.metadata.deletionTimestamp;
}

/** The pod's own name below the Service's, when its subdomain is the Service. */
export function endpointHostname(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}
