// Random Services with endpoints, and the connections worth trying on them: what model, fake and kernel are compared by.
import fc from "fast-check";
import type { EndpointSlice, Service } from "../../src/core/api/types.ts";

export interface World {
  services: Service[];
  slices: EndpointSlice[];
}

export interface WorldPlaces {
  /** Where endpoints may be. */
  endpoints: { address: string; nodeName: string }[];
  clusterIPs: string[];
  vips: string[];
  externalIPs: string[];
  nodePorts: number[];
  ports: number[];
  targetPorts: number[];
  sourceRanges: string[];
  affinity: boolean;
}

const chance = (n: number): fc.Arbitrary<boolean> => fc.integer({ min: 0, max: 99 }).map((x) => x < n);

/** A node's zone: z0 of n0. */
const zoneOf = (nodeName: string): string => `z${nodeName.slice(1)}`;

/** As trafficDistribution has them made; "some": the first endpoint's only, which then counts for nothing. */
function hintsOf(kind: string, nodeName: string): { hints?: object } {
  if (kind === "none") return {};
  const forZones = [{ name: zoneOf(nodeName) }];
  return { hints: kind === "nodes" ? { forZones, forNodes: [{ name: nodeName }] } : { forZones } };
}

/** Worlds over those places; addresses and node ports are never shared by two Services. */
export function worlds(p: WorldPlaces): fc.Arbitrary<World> {
  const one = (index: number): fc.Arbitrary<World> =>
    fc
      .record({
        type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
        external: chance(20),
        protocol: fc.constantFrom("TCP", "UDP"),
        portCount: fc.integer({ min: 1, max: Math.min(2, p.ports.length) }),
        internalLocal: chance(25),
        externalLocal: chance(40),
        sticky: p.affinity ? chance(30) : fc.constant(false),
        guarded: chance(40),
        hints: fc.constantFrom("none", "none", "zones", "nodes", "some"),
        ranges: fc.subarray(p.sourceRanges, { minLength: 1 }),
        endpoints: fc.array(
          fc.record({
            at: fc.constantFrom(...p.endpoints),
            state: fc.constantFrom("ready", "ready", "ready", "terminating", "not-ready"),
          }),
          { maxLength: 5 },
        ),
        target: fc.constantFrom(...p.targetPorts),
      })
      .map((r): World => {
        const name = `s${index}`;
        const ports = p.ports.slice(0, r.portCount).map((port, i) => ({
          name: `p${i}`,
          port,
          protocol: r.protocol,
          ...(r.type === "ClusterIP" ? {} : { nodePort: p.nodePorts[index * 2 + i]! }),
        }));
        const service = {
          metadata: { namespace: "default", name },
          spec: {
            type: r.type,
            clusterIP: p.clusterIPs[index]!,
            clusterIPs: [p.clusterIPs[index]!],
            ports,
            internalTrafficPolicy: r.internalLocal ? "Local" : "Cluster",
            ...(r.type === "ClusterIP"
              ? {}
              : { externalTrafficPolicy: r.externalLocal ? "Local" : "Cluster" }),
            ...(r.external ? { externalIPs: [p.externalIPs[index]!] } : {}),
            ...(r.sticky ? { sessionAffinity: "ClientIP" } : {}),
            ...(r.type === "LoadBalancer" && r.guarded ? { loadBalancerSourceRanges: r.ranges } : {}),
          },
          status: r.type === "LoadBalancer" ? { loadBalancer: { ingress: [{ ip: p.vips[index]! }] } } : {},
        } as Service;
        const slice = {
          metadata: {
            namespace: "default",
            name: `${name}-1`,
            labels: { "kubernetes.io/service-name": name },
          },
          addressType: p.clusterIPs[index]!.includes(":") ? "IPv6" : "IPv4",
          ports: ports.map((x, i) => ({
            name: x.name,
            protocol: x.protocol,
            port: i === 0 ? r.target : p.targetPorts[0]!,
          })),
          endpoints: r.endpoints.map(({ at, state }, i) => ({
            addresses: [at.address],
            nodeName: at.nodeName,
            ...hintsOf(r.hints === "some" && i > 0 ? "none" : r.hints, at.nodeName),
            conditions: {
              ready: state === "ready",
              serving: state !== "not-ready",
              terminating: state === "terminating",
            },
          })),
        } as unknown as EndpointSlice;
        return { services: [service], slices: [slice] };
      });
  const count = p.clusterIPs.length;
  return fc
    .tuple(...Array.from({ length: count }, (_, i) => fc.option(one(i), { nil: undefined, freq: 3 })))
    .map((list) => ({
      services: list.flatMap((w) => w?.services ?? []),
      slices: list.flatMap((w) => w?.slices ?? []),
    }));
}

/** Every address and port that somebody might dial in that world, used or not. */
export function dialsOf(p: WorldPlaces, nodeAddress: string): { destination: string; port: number }[] {
  const out: { destination: string; port: number }[] = [];
  for (const destination of [...p.clusterIPs, ...p.vips, ...p.externalIPs])
    for (const port of p.ports) out.push({ destination, port });
  for (const port of p.nodePorts) out.push({ destination: nodeAddress, port });
  return out;
}
