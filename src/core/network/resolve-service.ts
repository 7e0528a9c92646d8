// One Service and its EndpointSlices become the routing of that Service on one node: which addresses answer, and which
// endpoints each of them balances over. Follows the Service API reference, KEP-1669 (terminating endpoints),
// KEP-2086 (internalTrafficPolicy), KEP-2433 and KEP-3015 (topology hints).
import type { Endpoint, EndpointSlice, Service, ServicePort } from "../api/types.ts";
import { parseIP, printIP } from "../net/mod.ts";
import type { NodeFacts } from "./facts.ts";
import type {
  EndpointFact,
  EndpointState,
  Frontend,
  PortRouting,
  Protocol,
  ServiceRouting,
} from "./routing.ts";
import { selectEndpoints } from "./select-endpoints.ts";
import { loadBalancerRanges } from "./source-ranges.ts";

const plainIPv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Canonical text of an address of that family, or undefined. */
export function addressOf(text: string, family: NodeFacts["family"]): string | undefined {
  if (family === "ip") return plainIPv4.test(text) ? text : undefined;
  const ip = parseIP(text);
  return ip?.family === 6 ? printIP(ip) : undefined;
}

const protocols: Record<string, Protocol> = { TCP: "tcp", UDP: "udp", SCTP: "sctp" };

/** kube-proxy's own exceptions: what it leaves to others. */
export function isProxied(service: Service): boolean {
  const labels = service.metadata.labels ?? {};
  if (Object.hasOwn(labels, "service.kubernetes.io/service-proxy-name")) return false;
  const { type, clusterIP } = service.spec ?? {};
  return type !== "ExternalName" && clusterIP !== undefined && clusterIP !== "" && clusterIP !== "None";
}

/** Conditions that are not told: ready, serving, not terminating (EndpointSlice API). */
function stateOf({ ready, serving, terminating }: NonNullable<Endpoint["conditions"]>): EndpointState {
  if (ready !== false) return "ready";
  if (serving === false) return "not-ready";
  return terminating === true ? "terminating" : "serving";
}

/** Of two words on one endpoint the better one counts. */
const betterFirst: readonly EndpointState[] = ["ready", "terminating", "serving", "not-ready"];

function factOf(e: Endpoint, port: number, facts: NodeFacts): EndpointFact | undefined {
  const address = addressOf(e.addresses[0] ?? "", facts.family);
  if (address === undefined) return undefined;
  return {
    address,
    port,
    state: stateOf(e.conditions ?? {}),
    local: e.nodeName === facts.nodeName,
    nodeName: e.nodeName,
    zone: e.zone,
    hintZones: e.hints?.forZones?.map((z) => z.name),
    hintNodes: e.hints?.forNodes?.map((n) => n.name),
    pod: e.targetRef?.kind === "Pod" ? `${e.targetRef.namespace}/${e.targetRef.name}` : undefined,
  };
}

function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[], facts: NodeFacts): EndpointFact[] {
  const found = new Map<string, EndpointFact>();
  const wanted = facts.family === "ip" ? "IPv4" : "IPv6";
  for (const slice of slices) {
    if (slice.addressType !== wanted) continue;
    for (const p of slice.ports ?? []) {
      const same = (p.name ?? "") === (port.name ?? "") && (p.protocol ?? "TCP") === (port.protocol ?? "TCP");
      if (!same || typeof p.port !== "number") continue;
      for (const e of slice.endpoints ?? []) {
        const fact = factOf(e, p.port, facts);
        if (!fact) continue;
        const key = `${fact.address} . ${fact.port}`;
        const old = found.get(key);
        // Slices may overlap while the controller moves an endpoint.
        if (!old || betterFirst.indexOf(fact.state) < betterFirst.indexOf(old.state)) found.set(key, fact);
      }
    }
  }
  return [...found.values()].sort((a, b) =>
    a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1,
  );
}

function frontendsOf(service: Service, port: ServicePort, facts: NodeFacts): Frontend[] {
  const spec = service.spec!;
  const only = (list: readonly (string | undefined)[] | undefined): string[] =>
    (list ?? []).map((a) => addressOf(a ?? "", facts.family)).filter((a) => a !== undefined);
  const internalLocal = spec.internalTrafficPolicy === "Local";
  const externalLocal = spec.externalTrafficPolicy === "Local";
  const list: Frontend[] = [];
  const clusterIPs = only(spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP]);
  for (const address of clusterIPs)
    list.push({
      kind: "cluster-ip",
      address,
      port: port.port,
      group: internalLocal ? "local" : "cluster",
      whenEmpty: "reject",
      source: "keep-pods",
    });
  const external = {
    group: externalLocal ? "local" : "cluster",
    whenEmpty: "reject",
    source: externalLocal ? "keep" : "node",
  } as const;
  for (const address of only(spec.externalIPs))
    list.push({ kind: "external-ip", address, port: port.port, ...external });
  const vips = (service.status?.loadBalancer?.ingress ?? [])
    .filter((i) => i.ip && (i.ipMode ?? "VIP") === "VIP")
    .map((i) => i.ip);
  const ranges = loadBalancerRanges(spec.loadBalancerSourceRanges ?? [], only(vips), facts);
  for (const address of only(vips))
    list.push({
      kind: "load-balancer",
      address,
      port: port.port,
      ...external,
      ...(ranges.length > 0 ? { sourceRanges: ranges } : {}),
    });
  const familyHasIP = clusterIPs.length > 0;
  if (port.nodePort && familyHasIP) list.push({ kind: "node-port", port: port.nodePort, ...external });
  return list;
}

/** The routing of one Service on one node; undefined when it is none of the proxy's business. Pure. */
export function resolveService(
  service: Service,
  slices: readonly EndpointSlice[],
  facts: NodeFacts,
): ServiceRouting | undefined {
  if (!isProxied(service)) return undefined;
  const { namespace, name } = service.metadata;
  const spec = service.spec!;
  const ports = (spec.ports ?? []).map((port): PortRouting => {
    const endpoints = endpointsOf(port, slices, facts);
    const all = frontendsOf(service, port, facts);
    const { groups, any } = selectEndpoints(endpoints, all, facts);
    const frontends = all.map(
      (f): Frontend => (groups[f.group].length === 0 && any ? { ...f, whenEmpty: "drop" } : f),
    );
    return {
      name: port.name ?? "",
      protocol: protocols[port.protocol ?? "TCP"] ?? "tcp",
      frontends,
      endpoints,
      groups,
      affinitySeconds:
        spec.sessionAffinity === "ClientIP"
          ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800)
          : undefined,
    };
  });
  const here = new Set<string>();
  for (const p of ports) for (const e of p.endpoints) if (e.local && e.state === "ready") here.add(e.address);
  return {
    key: `${namespace}/${name}`,
    healthCheckNodePort:
      spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local"
        ? spec.healthCheckNodePort || undefined
        : undefined,
    localEndpoints: here.size,
    ports,
  };
}
