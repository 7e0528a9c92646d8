// Where a new connection may go, said from the routing alone: the slow and obvious second opinion that the kernel's table is
// tested against, and the answer that a trace explains.
import { contains, mustParseCIDR, mustParseIP } from "../net/mod.ts";
import type { NodeFacts } from "./facts.ts";
import { ownsAddress } from "./owned-address.ts";
import type { EndpointFact, Frontend, PortRouting, Protocol, ServiceRouting } from "./routing.ts";
import { guardRanges } from "./source-ranges.ts";

export interface Connection {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export type Route =
  /** Not a Service's: it goes where it was sent. */
  | { readonly kind: "untouched" }
  | { readonly kind: "reject"; readonly service: string | undefined; readonly why: string }
  | { readonly kind: "drop"; readonly service: string | undefined; readonly why: string }
  | {
      readonly kind: "forward";
      readonly service: string;
      readonly frontend: Frontend;
      /** Any one of these. */
      readonly endpoints: readonly EndpointFact[];
      /** Whether the source becomes the node's; a pod that reaches itself is always masqueraded. */
      masqueraded(endpoint: EndpointFact): boolean;
    };

interface Dialled {
  service: ServiceRouting;
  port: PortRouting;
  frontend: Frontend;
}

function find(services: Iterable<ServiceRouting>, c: Connection, facts: NodeFacts): Dialled | undefined {
  let nodePort: Dialled | undefined;
  for (const service of services)
    for (const port of service.ports) {
      if (port.protocol !== c.protocol) continue;
      for (const frontend of port.frontends) {
        if (frontend.port !== c.port) continue;
        if (frontend.address === c.destination) return { service, port, frontend };
        if (frontend.address === undefined && facts.nodeAddresses.includes(c.destination))
          nodePort ??= { service, port, frontend };
      }
    }
  return nodePort;
}

const within = (address: string, ranges: readonly string[]): boolean =>
  ranges.some((r) =>
    contains(mustParseCIDR(r.includes("/") ? r : `${r}/${r.includes(":") ? 128 : 32}`), mustParseIP(address)),
  );

export function routeConnection(services: readonly ServiceRouting[], facts: NodeFacts, c: Connection): Route {
  if (facts.localAddresses.includes(c.destination)) return { kind: "untouched" };
  const dialled = find(services, c, facts);
  if (!dialled) {
    const owner = services.find((s) =>
      s.ports.some((p) =>
        p.frontends.some(
          (f) => f.address === c.destination && ownsAddress(f, facts.serviceRanges.map(mustParseCIDR)),
        ),
      ),
    );
    if (owner) return { kind: "reject", service: owner.key, why: "the Service has no such port" };
    if (within(c.destination, facts.serviceRanges))
      return { kind: "drop", service: undefined, why: "no Service has this address" };
    return { kind: "untouched" };
  }
  const { service, port, frontend } = dialled;
  const guard = guardRanges(frontend.sourceRanges, facts.family);
  if (guard && !within(c.source, guard))
    return { kind: "drop", service: service.key, why: "outside loadBalancerSourceRanges" };
  const pod = within(c.source, facts.podRanges);
  const own =
    facts.nodeAddresses.includes(c.source) || (facts.family === "ip" && c.source.startsWith("127."));
  const inside = frontend.source === "keep" && (pod || own);
  const endpoints = port.groups[inside ? "cluster" : frontend.group];
  if (endpoints.length === 0)
    return inside || frontend.whenEmpty === "reject"
      ? { kind: "reject", service: service.key, why: "no endpoint" }
      : { kind: "drop", service: service.key, why: "no endpoint on this node" };
  const keepsPods = inside || frontend.source === "keep-pods";
  return {
    kind: "forward",
    service: service.key,
    frontend,
    endpoints,
    masqueraded: (e) =>
      (e.local && e.address === c.source) || (keepsPods ? !pod : frontend.source === "node"),
  };
}
