// From a Service and its pods to its Endpoints object (pkg/controller/endpoint), which older clients still read.
import type { Endpoints, Pod, Service } from "../../../core/api/types.ts";
import { isPodReady } from "../pods/mod.ts";
import { sameJson } from "../same-json.ts";
import {
  canBeEndpoint,
  endpointHostname,
  isHeadless,
  podAddresses,
  resolvePorts,
  triggerTimeAnnotation,
} from "../service-pods/mod.ts";
import { type AddressFact, packSubsets, truncateSubsets } from "./subsets.ts";

const headlessLabel = "service.kubernetes.io/headless";
export const managedByLabel = "endpoints.kubernetes.io/managed-by";
const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
export const managedBy = "endpoint-controller";

function addressFacts(service: Service, pods: readonly Pod[]): AddressFact[] {
  const family = service.spec?.ipFamilies?.[0] === "IPv6" ? "IPv6" : "IPv4";
  const publish = service.spec?.publishNotReadyAddresses === true;
  const facts: AddressFact[] = [];
  for (const pod of pods) {
    const ip = podAddresses(pod, family)[0];
    if (!ip || !canBeEndpoint(pod, publish)) continue;
    const { name, namespace, uid } = pod.metadata;
    const hostname = endpointHostname(pod, service);
    const address: AddressFact["address"] = {
      ip,
      ...(hostname ? { hostname } : {}),
      ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
      targetRef: { kind: "Pod", namespace: namespace!, name: name!, uid: uid! },
    };
    const ready = publish || isPodReady(pod);
    if (!service.spec?.ports?.length && isHeadless(service)) facts.push({ address, ready });
    for (const port of resolvePorts(service, pod)) {
      const { name: portName, ...rest } = port;
      facts.push({ address, ready, port: (portName ? port : rest) as typeof port });
    }
  }
  return facts;
}

/** The object to create or put; undefined when the existing one is right. */
export function decideEndpoints(
  service: Service,
  pods: readonly Pod[],
  { existing, triggerTime }: { existing: Endpoints | undefined; triggerTime: string | undefined },
): Endpoints | undefined {
  const all = packSubsets(addressFacts(service, pods));
  const cut = truncateSubsets(all);
  const subsets = cut ?? all;
  const labels: Record<string, string> = { ...service.metadata.labels, [managedByLabel]: managedBy };
  if (isHeadless(service)) labels[headlessLabel] = "";
  else delete labels[headlessLabel];
  const old = existing?.metadata.annotations ?? {};
  const capacityRight = (old[overCapacityAnnotation] === "truncated") === (cut !== undefined);
  if (
    existing &&
    capacityRight &&
    sameJson(existing.subsets ?? [], subsets) &&
    sameJson(existing.metadata.labels, labels)
  )
    return undefined;
  const annotations = { ...old };
  delete annotations[triggerTimeAnnotation];
  delete annotations[overCapacityAnnotation];
  if (triggerTime) annotations[triggerTimeAnnotation] = triggerTime;
  if (cut) annotations[overCapacityAnnotation] = "truncated";
  const { name, namespace } = service.metadata;
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { ...existing?.metadata, name: name!, namespace: namespace!, labels, annotations },
    ...(subsets.length > 0 ? { subsets } : {}),
  };
}
