// Packs (address, port, ready) facts into the subsets of an Endpoints object: ports that share the same addresses share a
// subset (pkg/api/v1/endpoints RepackSubsets).
import type { EndpointSubset } from "../../../core/api/types.ts";
import type { ResolvedPort } from "../service-pods/mod.ts";

export type EndpointAddress = NonNullable<EndpointSubset["addresses"]>[number];

export interface AddressFact {
  address: EndpointAddress;
  ready: boolean;
  /** Absent for a headless Service without ports. */
  port?: ResolvedPort;
}

/** An Endpoints object holds at most this many addresses (KEP-752). */
export const capacity = 1000;

/** Sorts by number where both are IPv4, so that .9 comes before .10. */
function compareAddresses(a: EndpointAddress, b: EndpointAddress): number {
  const key = (x: EndpointAddress): string => x.ip.replace(/\d+/g, (n) => n.padStart(3, "0"));
  const [ka, kb] = [key(a), key(b)];
  return ka < kb ? -1 : ka > kb ? 1 : (a.targetRef?.uid ?? "") < (b.targetRef?.uid ?? "") ? -1 : 1;
}

export function packSubsets(facts: readonly AddressFact[]): EndpointSubset[] {
  const byPort = new Map<string, { port: ResolvedPort | undefined; facts: Map<string, AddressFact> }>();
  for (const fact of facts) {
    const portKey = JSON.stringify(fact.port ?? null);
    let group = byPort.get(portKey);
    if (!group) {
      group = { port: fact.port, facts: new Map() };
      byPort.set(portKey, group);
    }
    const key = `${fact.address.ip} ${fact.address.targetRef?.uid ?? ""}`;
    if (fact.ready || !group.facts.has(key)) group.facts.set(key, fact);
  }
  const byAddresses = new Map<string, { ports: ResolvedPort[]; facts: AddressFact[] }>();
  for (const { port, facts } of byPort.values()) {
    const key = [...facts]
      .map(([k, f]) => `${k} ${f.ready}`)
      .sort()
      .join("\n");
    let group = byAddresses.get(key);
    if (!group) {
      group = { ports: [], facts: [...facts.values()] };
      byAddresses.set(key, group);
    }
    if (port) group.ports.push(port);
  }
  return [...byAddresses.values()].map(({ ports, facts }) => {
    const addresses = facts
      .filter((f) => f.ready)
      .map((f) => f.address)
      .sort(compareAddresses);
    const notReady = facts
      .filter((f) => !f.ready)
      .map((f) => f.address)
      .sort(compareAddresses);
    return {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    };
  });
}

/** Cuts down to the capacity, ready addresses kept first; undefined when nothing has to be cut. */
export function truncateSubsets(subsets: readonly EndpointSubset[]): EndpointSubset[] | undefined {
  let ready = 0;
  let notReady = 0;
  for (const s of subsets) {
    ready += s.addresses?.length ?? 0;
    notReady += s.notReadyAddresses?.length ?? 0;
  }
  if (ready + notReady <= capacity) return undefined;
  let readyLeft = Math.min(ready, capacity);
  let notReadyLeft = capacity - readyLeft;
  const out: EndpointSubset[] = [];
  for (const s of subsets) {
    const addresses = (s.addresses ?? []).slice(0, readyLeft);
    const rest = (s.notReadyAddresses ?? []).slice(0, notReadyLeft);
    readyLeft -= addresses.length;
    notReadyLeft -= rest.length;
    if (addresses.length + rest.length === 0) continue;
    out.push({
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(rest.length > 0 ? { notReadyAddresses: rest } : {}),
      ...(s.ports ? { ports: s.ports } : {}),
    });
  }
  return out;
}
