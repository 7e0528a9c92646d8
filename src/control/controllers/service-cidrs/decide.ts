// What the objects of cluster IPs have to be.
import type { IPAddress, Service, ServiceCIDR } from "../../../core/api/types.ts";
import { canonicalIP, contains, familyOf, parseCIDR, parseIP } from "../../../core/net/mod.ts";

export const managedBy = "ipallocator.k8s.io";

/** As IPAddress objects are named. */
export const clusterIPs = (s: Service): string[] =>
  (s.spec?.clusterIPs ?? []).filter((ip) => ip !== "" && ip !== "None").map(canonicalIP);

/** The IPAddress of a Service's address. */
export const addressOf = (ip: string, s: Service): Omit<IPAddress, "apiVersion" | "kind"> => ({
  metadata: {
    name: ip,
    labels: {
      "ipaddress.kubernetes.io/ip-family": familyOf(ip),
      "ipaddress.kubernetes.io/managed-by": managedBy,
    },
  },
  spec: {
    parentRef: { group: "", resource: "services", namespace: s.metadata.namespace!, name: s.metadata.name! },
  },
});

export const isManaged = (a: IPAddress): boolean =>
  a.metadata.labels?.["ipaddress.kubernetes.io/managed-by"] === managedBy;

export function isParent(a: IPAddress, s: Service): boolean {
  const { group = "", resource, namespace, name } = a.spec?.parentRef ?? {};
  return (
    group === "" && resource === "services" && namespace === s.metadata.namespace && name === s.metadata.name
  );
}

/** An address in use that no other range covers holds a range back. */
export function mayGo(range: ServiceCIDR, others: readonly ServiceCIDR[], inUse: Iterable<string>): boolean {
  const parse = (s: ServiceCIDR) => (s.spec?.cidrs ?? []).map(parseCIDR).filter((c) => c !== undefined);
  const own = parse(range);
  const rest = others.filter((o) => o.metadata.name !== range.metadata.name).flatMap(parse);
  for (const text of inUse) {
    const ip = parseIP(text);
    if (ip && own.some((c) => contains(c, ip)) && !rest.some((c) => contains(c, ip))) return false;
  }
  return true;
}
