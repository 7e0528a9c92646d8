// By which node the host reaches each service range and each load balancer.
import type { EndpointSlice, Node, Service } from "../../../core/api/types.ts";
import { addressBits, contains, mustParseCIDR, parseIP } from "../../../core/net/mod.ts";
import { loadBalancerAddresses } from "../load-balancer/mod.ts";
import type { HostRoute, HostRouteChange } from "./ports.ts";

/** The label of a node that takes no traffic from outside. */
export const excluded = "node.kubernetes.io/exclude-from-external-load-balancers";

export interface RoutesInput {
  /** Ranges that are routed as a whole, in CIDR form; of any family. */
  ranges: readonly string[];
  /** Ranges that were routed and are no more. */
  gone: readonly string[];
  /** Ranges of load balancers, one a family. */
  pools: readonly string[];
  services: readonly Service[];
  slicesOf(service: Service): readonly EndpointSlice[];
  nodes: readonly Node[];
  /** Addresses of nodes that do not answer, whatever their status says still. */
  mute: ReadonlySet<string>;
  now: readonly HostRoute[];
}

interface Gateway {
  node: string;
  address: string;
}

const isReady = (n: Node): boolean =>
  n.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

/** A node's own addresses, the first family's first. */
export const addressesOf = (n: Node): string[] =>
  (n.status?.addresses ?? []).flatMap((a) => (a.type === "InternalIP" ? [a.address] : []));

/** The addresses of nodes that live. */
export const livingAddresses = (nodes: readonly Node[]): string[] =>
  nodes.filter(isReady).flatMap(addressesOf).sort();

/** Nodes that take traffic from outside, in the order of their names. */
function gatewaysOf({ nodes, mute }: RoutesInput, family: 4 | 6): Gateway[] {
  return nodes
    .filter((n) => !n.metadata.deletionTimestamp && n.metadata.labels?.[excluded] === undefined)
    .filter(isReady)
    .flatMap((n) => {
      const address = addressesOf(n).find((a) => parseIP(a)?.family === family);
      return address !== undefined && !mute.has(address) ? [{ node: n.metadata.name!, address }] : [];
    })
    .sort((a, b) => a.node.localeCompare(b.node, "en", { numeric: true }));
}

/** The gateways whose nodes have ready endpoints; those with terminating ones that still serve only where no other has any. */
function ableGateways(
  gateways: readonly Gateway[],
  slices: readonly EndpointSlice[],
  family: 4 | 6,
): string[] {
  const ready = new Set<string>();
  const leaving = new Set<string>();
  for (const { endpoints, addressType } of slices)
    for (const { nodeName, conditions: c } of addressType === `IPv${family}` ? (endpoints ?? []) : [])
      if (!nodeName) continue;
      else if (c?.ready ?? true) ready.add(nodeName);
      else if (c?.serving && c.terminating) leaving.add(nodeName);
  const among = (names: Set<string>): string[] =>
    gateways.filter((g) => names.has(g.node)).map((g) => g.address);
  const able = among(ready);
  return (able.length > 0 ? able : among(leaving)).sort();
}

/** Each node remembers its own clients: with affinity all go to one, and that one stays while it can answer. */
function keptNode(now: readonly string[] | undefined, whole: string | undefined, able: string[]): string {
  const chosen = now ?? (whole === undefined ? [] : [whole]);
  return chosen.find((via) => able.includes(via)) ?? able[0]!;
}

export interface RoutesChange {
  set: HostRouteChange[];
  remove: HostRoute[];
}

/** What to change so that every route leads to a node that can answer; nothing while no node is known to live. */
export function decideRoutes(input: RoutesInput): RoutesChange {
  const changes = ([4, 6] as const).map((family) => decideFamily(input, family));
  return { set: changes.flatMap((c) => c.set), remove: changes.flatMap((c) => c.remove) };
}

function decideFamily(input: RoutesInput, family: 4 | 6): RoutesChange {
  const ofFamily = (range: string): boolean => mustParseCIDR(range).address.family === family;
  const ranges = input.ranges.filter(ofFamily);
  const pools = input.pools.filter(ofFamily);
  const now = input.now.filter((r) => ofFamily(r.to));
  const change: RoutesChange = { set: [], remove: [] };
  const gateways = gatewaysOf(input, family);
  if (gateways.length === 0) return change;
  const before = new Map(now.map((r) => [r.to, r.via]));
  const alive = new Set(gateways.map((g) => g.address));
  const want = (to: string, via: readonly string[]): void => {
    const was = before.get(to);
    if (was?.join() !== via.join()) change.set.push({ to, via, ...(was === undefined ? {} : { was }) });
  };
  const ofRange = new Map<string, string>();
  for (const range of ranges) {
    const [old] = before.get(range) ?? [];
    const via = old !== undefined && alive.has(old) ? old : gateways[0]!.address;
    ofRange.set(range, via);
    want(range, [via]);
  }
  for (const r of now) if (input.gone.includes(r.to)) change.remove.push(r);
  const poolOf = (address: string): string | undefined => {
    const ip = parseIP(address);
    return pools.find((p) => ip !== undefined && contains(mustParseCIDR(p), ip));
  };
  const own = new Set<string>();
  for (const s of input.services) {
    if (s.spec?.externalTrafficPolicy !== "Local") continue;
    const addresses = loadBalancerAddresses(s).filter(poolOf);
    if (addresses.length === 0) continue;
    const able = ableGateways(gateways, input.slicesOf(s), family);
    if (able.length === 0) continue;
    for (const address of addresses) {
      const to = `${address}/${addressBits(family)}`;
      const whole = ofRange.get(poolOf(address)!);
      const via = s.spec.sessionAffinity === "ClientIP" ? [keptNode(before.get(to), whole, able)] : able;
      if (via.length === 1 && via[0] === whole) continue;
      own.add(to);
      want(to, via);
    }
  }
  const single = `/${addressBits(family)}`;
  const isOwn = (to: string): boolean =>
    to.endsWith(single) &&
    !ranges.includes(to) &&
    !pools.includes(to) &&
    poolOf(to.slice(0, -single.length)) !== undefined;
  for (const r of now) if (isOwn(r.to) && !own.has(r.to)) change.remove.push(r);
  return change;
}
