// Which tracked UDP flows contradict the tables. UDP has no end of its own: a flow that was translated to an endpoint that
// left, or not translated because its Service came later, would go on for ever while packets come. Every flow is compared
// with what is wanted now, so a missed event cannot matter (the lesson of kubernetes issues 126130 and 139628).
import { contains, mustParseCIDR, parseIP } from "../net/mod.ts";
import type { NodeFacts } from "./facts.ts";
import { bits } from "./layout.ts";
import type { ServiceRouting } from "./routing.ts";

/** One tracked UDP flow, as its first packet was sent and as answers to it come back. */
export interface UdpFlow {
  readonly source: string;
  readonly sourcePort: number;
  /** What the client dialled. */
  readonly destination: string;
  readonly destinationPort: number;
  /** Who answers: the endpoint when the flow was translated, else the destination itself. */
  readonly replySource: string;
  readonly replySourcePort: number;
  /** The label that the service table gives what it translates; 0: none. */
  readonly mark: number;
}

/**
 * Endpoints (`address . port`) that a flow may stay with, by what clients dial (`address . port`, node ports under each node
 * address): all that serve, terminating or not, whatever node and policy, as with kube-proxy and as TCP connections do. Which
 * of them get something new is another matter.
 */
function wantedTargets(services: Iterable<ServiceRouting>, facts: NodeFacts): Map<string, Set<string>> {
  const targets = new Map<string, Set<string>>();
  for (const service of services)
    for (const port of service.ports) {
      if (port.protocol !== "udp") continue;
      const endpoints = new Set(
        port.endpoints.filter((e) => e.state !== "not-ready").map((e) => `${e.address} . ${e.port}`),
      );
      for (const f of port.frontends)
        for (const address of f.address === undefined ? facts.nodeAddresses : [f.address]) {
          const key = `${address} . ${f.port}`;
          if (!targets.has(key)) targets.set(key, endpoints);
        }
    }
  return targets;
}

/** Whether the tables have anything to say about UDP; without it nobody need look at the flows. */
export function hasUdp(service: ServiceRouting | undefined): boolean {
  return service?.ports.some((p) => p.protocol === "udp") ?? false;
}

/**
 * The flows to remove. A flow to a wanted frontend must be answered by an endpoint that serves; a translated flow to what is no
 * frontend (any more) goes when its destination is in a service range or it carries the service table's label.
 */
export function staleFlows(
  flows: readonly UdpFlow[],
  services: Iterable<ServiceRouting>,
  facts: NodeFacts,
): UdpFlow[] {
  const targets = wantedTargets(services, facts);
  const ranges = facts.serviceRanges.map(mustParseCIDR);
  const local = new Set(facts.localAddresses);
  return flows.filter((flow) => {
    if (local.has(flow.destination)) return false;
    const dialled = `${flow.destination} . ${flow.destinationPort}`;
    const reply = `${flow.replySource} . ${flow.replySourcePort}`;
    const wanted = targets.get(dialled);
    if (wanted) return !wanted.has(reply);
    if (dialled === reply) return false;
    if ((flow.mark & bits.group) !== 0) return true;
    const ip = parseIP(flow.destination);
    return ip !== undefined && ranges.some((r) => contains(r, ip));
  });
}
