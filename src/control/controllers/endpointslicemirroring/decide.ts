// From hand-written Endpoints to the slices that say the same (pkg/controller/endpointslicemirroring, KEP-1835), for a
// Service without a selector.
import { isIP } from "node:net";
import { endpoints as endpointsRef } from "../../../core/api/refs.ts";
import type { Endpoint, EndpointSlice, Endpoints, Service } from "../../../core/api/types.ts";
import {
  blankSlice,
  managedByLabel,
  portsKey,
  type Slice,
  SliceDraft,
  serviceNameLabel,
  slicePortsKey,
} from "../endpointslice/mod.ts";
import { type ResolvedPort, triggerTimeAnnotation } from "../service-pods/mod.ts";

export const managedBy = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
const notCopied = ["kubectl.kubernetes.io/last-applied-configuration", triggerTimeAnnotation];
/** Addresses taken of each subset, and endpoints in a slice. */
export const maxPerSubset = 1000;

/** Endpoints that the Endpoints controller or leader election keep are not for mirroring. */
export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (!endpoints || !service) return false;
  if (Object.keys(service.spec?.selector ?? {}).length > 0) return false;
  if (endpoints.metadata.labels?.[skipLabel] === "true") return false;
  return !endpoints.metadata.annotations?.[leaderAnnotation];
}

export interface MirrorChange {
  create: EndpointSlice[];
  update: EndpointSlice[];
  remove: EndpointSlice[];
  /** Addresses that are no IP, and how many were beyond the limit. */
  invalid: string[];
  skipped: number;
}

type Subset = NonNullable<Endpoints["subsets"]>[number];
type Address = NonNullable<Subset["addresses"]>[number];

function mirroredEndpoint(address: Address, ready: boolean): Endpoint {
  return {
    addresses: [address.ip],
    conditions: { ready },
    ...(address.hostname ? { hostname: address.hostname } : {}),
    ...(address.targetRef ? { targetRef: address.targetRef } : {}),
    ...(address.nodeName ? { nodeName: address.nodeName } : {}),
  };
}

function blankMirror(source: Endpoints, addressType: string): Slice {
  const { name, labels, annotations } = source.metadata;
  const copied = Object.entries(annotations ?? {}).filter(([k]) => !notCopied.includes(k));
  return blankSlice(endpointsRef, source, {
    labels: { ...labels, [serviceNameLabel]: name!, [managedByLabel]: managedBy },
    ...(copied.length > 0 ? { annotations: Object.fromEntries(copied) } : {}),
    addressType,
  });
}

export function decideMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorChange {
  const change: MirrorChange = { create: [], update: [], remove: [], invalid: [], skipped: 0 };
  const wanted = new Map<string, Map<string, { ports: ResolvedPort[]; endpoints: Map<string, Endpoint> }>>();
  for (const family of ["IPv4", "IPv6"]) wanted.set(family, new Map());
  for (const subset of endpoints.subsets ?? []) collect(subset, wanted, change);
  for (const [family, groups] of wanted) {
    const slices = existing
      .filter((s) => s.addressType === family)
      .map((s): Slice => ({ ...s, endpoints: s.endpoints ?? [] }));
    const draft = new SliceDraft(blankMirror(endpoints, family), maxPerSubset);
    for (const [key, { ports, endpoints: some }] of groups)
      draft.place(
        ports,
        some,
        slices.filter((s) => slicePortsKey(s.ports) === key),
      );
    draft.remove.push(...slices.filter((s) => !groups.has(slicePortsKey(s.ports))));
    draft.reuseRemoved();
    change.create.push(...draft.create);
    change.update.push(...draft.update);
    change.remove.push(...draft.remove);
  }
  change.remove.push(...existing.filter((s) => !wanted.has(s.addressType)));
  return change;
}

function collect(
  subset: Subset,
  wanted: Map<string, Map<string, { ports: ResolvedPort[]; endpoints: Map<string, Endpoint> }>>,
  change: MirrorChange,
): void {
  const ports: ResolvedPort[] = (subset.ports ?? []).map((p) => ({
    name: p.name ?? "",
    port: p.port,
    protocol: p.protocol ?? "TCP",
    ...(p.appProtocol ? { appProtocol: p.appProtocol } : {}),
  }));
  const key = portsKey(ports);
  const all = [
    ...(subset.addresses ?? []).map((a) => mirroredEndpoint(a, true)),
    ...(subset.notReadyAddresses ?? []).map((a) => mirroredEndpoint(a, false)),
  ];
  change.skipped += Math.max(0, all.length - maxPerSubset);
  for (const endpoint of all.slice(0, maxPerSubset)) {
    const ip = endpoint.addresses[0]!;
    const version = isIP(ip);
    if (version === 0) {
      change.invalid.push(ip);
      continue;
    }
    const groups = wanted.get(`IPv${version}`)!;
    let group = groups.get(key);
    if (!group) {
      group = { ports, endpoints: new Map() };
      groups.set(key, group);
    }
    const ref = endpoint.targetRef;
    group.endpoints.set(`${ref?.kind}/${ref?.name}/${ref?.uid} ${ip}`, endpoint);
  }
}
