// From a Service, its pods and the slices there are to the fewest slice writes that make them right
// (k8s.io/endpointslice reconciler; KEP-752). Slices hold one address family and one list of port numbers each.
import { services } from "../../../core/api/refs.ts";
import type { Endpoint, EndpointSlice, Node, Pod, Service } from "../../../core/api/types.ts";
import { canBeEndpoint, type ResolvedPort, resolvePorts } from "../service-pods/mod.ts";
import { blankSlice } from "./blank-slice.ts";
import { podEndpoint, withHints } from "./pod-endpoint.ts";
import { endpointKey, portsKey, type Slice, SliceDraft, slicePortsKey } from "./slice-draft.ts";
import { sliceLabels } from "./slice-labels.ts";
import { hintByShares, isTopologyAuto, type ZoneShares } from "./topology-mode.ts";

const maxEndpointsPerSlice = 100;

export interface SliceChange {
  create: EndpointSlice[];
  /** Whole objects to put, with the name and resourceVersion of the slice they replace. */
  update: EndpointSlice[];
  remove: EndpointSlice[];
}

export interface SliceInput {
  service: Service;
  pods: readonly Pod[];
  /** The Service's slices that this controller manages. */
  existing: readonly EndpointSlice[];
  node(name: string): Node | undefined;
  /** Zones by the CPUs of their nodes, for topology mode Auto. */
  shares?: ZoneShares | undefined;
  /** Most endpoints in a slice. */
  max?: number;
}

/** `unplaced` names pods left out because their node is not known (yet). */
export interface SliceDecision extends SliceChange {
  unplaced: Pod[];
  /** With topology mode Auto: by family, why its endpoints have no hints; undefined: they have. */
  autoHints: Map<Family, string | undefined>;
}

export type Family = "IPv4" | "IPv6";

export function decideSlices(input: SliceInput): SliceDecision {
  const { service, existing } = input;
  const families = (service.spec?.ipFamilies?.length ? service.spec.ipFamilies : ["IPv4"]) as Family[];
  const change: SliceDecision = { create: [], update: [], remove: [], unplaced: [], autoHints: new Map() };
  const uid = service.metadata.uid;
  const ours = (s: EndpointSlice): boolean => (s.metadata.ownerReferences ?? []).some((o) => o.uid === uid);
  change.remove.push(...existing.filter((s) => !ours(s) || !families.includes(s.addressType as Family)));
  for (const family of families) {
    const slices = existing
      .filter((s) => ours(s) && s.addressType === family)
      .map((s): Slice => ({ ...s, endpoints: s.endpoints ?? [] }));
    decideFamily(input, family, slices, change);
  }
  // Nothing new is made for a Service that is on its way out.
  if (service.metadata.deletionTimestamp) change.create = [];
  return change;
}

function decideFamily(
  input: SliceInput,
  family: Family,
  existing: readonly Slice[],
  total: SliceDecision,
): void {
  const { service, max = maxEndpointsPerSlice } = input;
  const wanted = groupByPorts(input, family, total.unplaced);
  const draft = new SliceDraft(
    blankSlice(services, service, { labels: sliceLabels(service), addressType: family }),
    max,
  );
  const known = new Map<string, Slice[]>();
  for (const slice of existing) {
    const key = slicePortsKey(slice.ports);
    known.set(key, [...(known.get(key) ?? []), slice]);
  }
  for (const [key, { ports, endpoints }] of wanted) draft.place(ports, endpoints, known.get(key) ?? []);
  for (const [key, slices] of known) if (!wanted.has(key)) draft.remove.push(...slices);
  draft.keepPlaceholder(existing.length);
  draft.reuseRemoved();
  if (isTopologyAuto(service))
    total.autoHints.set(
      family,
      draft.share((written, unchanged) => hintByShares(written, unchanged, input.shares)),
    );
  else draft.refine((e) => withHints(e, service.spec?.trafficDistribution));
  total.create.push(...draft.create);
  total.update.push(...draft.update);
  total.remove.push(...draft.remove);
}

/** The endpoints of one family by the port numbers that their pods have. */
function groupByPorts(
  { service, pods, node }: SliceInput,
  family: Family,
  unplaced: Pod[],
): Map<string, { ports: ResolvedPort[]; endpoints: Map<string, Endpoint> }> {
  const groups = new Map<string, { ports: ResolvedPort[]; endpoints: Map<string, Endpoint> }>();
  for (const pod of pods) {
    if (!canBeEndpoint(pod, true)) continue;
    const home = pod.spec?.nodeName ? node(pod.spec.nodeName) : undefined;
    if (!home && !service.spec?.publishNotReadyAddresses) {
      unplaced.push(pod);
      continue;
    }
    const endpoint = podEndpoint(pod, service, { node: home, family });
    if (!endpoint) continue;
    const ports = resolvePorts(service, pod);
    const key = portsKey(ports);
    let group = groups.get(key);
    if (!group) {
      group = { ports, endpoints: new Map() };
      groups.set(key, group);
    }
    group.endpoints.set(endpointKey(endpoint), endpoint);
  }
  return groups;
}
