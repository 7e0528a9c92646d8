// One pod as an endpoint of a Service (k8s.io/endpointslice podToEndpoint, trafficdist hints).
import type { Endpoint, Node, Pod, Service } from "../../../core/api/types.ts";
import { isPodReady } from "../pods/mod.ts";
import { endpointHostname, podAddresses } from "../service-pods/mod.ts";

export const zoneLabel = "topology.kubernetes.io/zone";

/** Undefined when the pod has no address of that family. */
export function podEndpoint(
  pod: Pod,
  service: Service,
  { node, family }: { node: Node | undefined; family: "IPv4" | "IPv6" },
): Endpoint | undefined {
  const addresses = podAddresses(pod, family);
  if (addresses.length === 0) return undefined;
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const hostname = endpointHostname(pod, service);
  const zone = node?.metadata.labels?.[zoneLabel];
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    targetRef: { kind: "Pod", namespace: namespace!, name: name!, uid: uid! },
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
  };
}

/** Where the endpoint's clients should be, as spec.trafficDistribution asks; only ready endpoints carry hints. */
export function withHints(endpoint: Endpoint, trafficDistribution: string | undefined): Endpoint {
  const { hints: _, ...bare } = endpoint;
  if (!trafficDistribution || endpoint.conditions?.ready === false) return bare;
  const forZones = endpoint.zone ? [{ name: endpoint.zone }] : undefined;
  const forNodes =
    trafficDistribution === "PreferSameNode" && endpoint.nodeName ? [{ name: endpoint.nodeName }] : undefined;
  if (!forZones && !forNodes) return bare;
  return { ...bare, hints: { ...(forNodes ? { forNodes } : {}), ...(forZones ? { forZones } : {}) } };
}
