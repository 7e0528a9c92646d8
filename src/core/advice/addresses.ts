// Addresses that several Services want: on one port it is an overlap, and a load balancer's address has one owner.
import type { Service } from "../api/types.ts";
import type { Finding } from "./finding.ts";

const given = (service: Service): string[] =>
  (service.status?.loadBalancer?.ingress ?? []).flatMap((i) => (i.ip ? [i.ip] : []));

/** Fields that ask for an address which somebody else might have, and the address. */
function wanted(service: Service): { field: string; address: string }[] {
  const { type, loadBalancerIP, externalIPs = [] } = service.spec ?? {};
  if (type === "ExternalName") return [];
  const out = externalIPs.map((address, i) => ({ field: `spec.externalIPs[${i}]`, address }));
  if (type === "LoadBalancer" && loadBalancerIP)
    out.unshift({ field: "spec.loadBalancerIP", address: loadBalancerIP });
  return out;
}

/** Every address by which clients may come to this Service, asked for or given. */
export function addressesOf(service: Service): string[] {
  const { type, clusterIPs = [] } = service.spec ?? {};
  const all = [
    ...wanted(service).map((w) => w.address),
    ...(type === "LoadBalancer" ? given(service) : []),
    ...(type === "ExternalName" ? [] : clusterIPs.filter((ip) => ip !== "" && ip !== "None")),
  ];
  return [...new Set(all)];
}

const keyOf = (s: Service): string => `${s.metadata.namespace}/${s.metadata.name}`;

/** Whose claim goes first: who has the address, then who is older; a Service that is just being made has no time yet. */
function goesFirst(a: Service, b: Service, address: string): boolean {
  const has = (s: Service): boolean => given(s).includes(address);
  if (has(a) !== has(b)) return has(a);
  const [x, y] = [a, b].map((s) => s.metadata.creationTimestamp ?? "9") as [string, string];
  return x === y ? keyOf(a) < keyOf(b) : x < y;
}

function samePorts(a: Service, b: Service): string[] {
  const ports = (s: Service): string[] =>
    (s.spec?.ports ?? []).map((p) => `${p.port}/${p.protocol ?? "TCP"}`);
  const others = new Set(ports(b));
  return ports(a).filter((p) => others.has(p));
}

/** `others` are Services that have an address in common with this one (`addressesOf`); it may be among them. */
export function addressFindings(service: Service, others: readonly Service[]): Finding[] {
  const out: Finding[] = [];
  const asked = wanted(service);
  const mine = new Set(addressesOf(service));
  for (const other of others) {
    if (keyOf(other) === keyOf(service)) continue;
    const address = addressesOf(other).find((a) => mine.has(a));
    if (address === undefined) continue;
    const field = asked.find((w) => w.address === address)?.field ?? "status.loadBalancer";
    const ports = samePorts(service, other);
    const taken = service.spec?.loadBalancerIP === address && given(other).includes(address);
    if (ports.length > 0)
      out.push({
        reason: "LoadBalancerPortOverlap",
        severity: goesFirst(service, other, address) ? "advice" : "error",
        message: `${field}: ${address} on ${ports.slice(0, 3).join(", ")} is wanted by Service ${keyOf(other)} too`,
      });
    else if (taken && !given(service).includes(address))
      out.push({
        reason: "LoadBalancerAddressTaken",
        severity: "error",
        message: `${field}: ${address} belongs to Service ${keyOf(other)}`,
      });
  }
  return out.slice(0, 3);
}
