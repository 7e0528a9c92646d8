// What DNS needs to know of namespaces, Services and EndpointSlices, kept small: names, addresses, ports, hostnames.
// It changes one object at a time; `generation` says that something changed.
import type { EndpointSlice, Service } from "../../api/types.ts";
import { type CIDR, parseIP, printCIDR, printIP } from "../../net/mod.ts";

export interface DirectoryPort {
  readonly name: string;
  /** Lower case, as in `_tcp`. */
  readonly protocol: string;
  readonly port: number;
}

export interface DirectoryService {
  readonly name: string;
  readonly namespace: string;
  readonly kind: "clusterIP" | "headless" | "externalName";
  readonly addresses: readonly string[];
  readonly ports: readonly DirectoryPort[];
  readonly externalName: string;
}

/** The ready endpoints of an EndpointSlice. */
export interface DirectorySlice {
  /** `namespace/name` of the Service. */
  readonly service: string;
  readonly addresses: readonly string[];
  /** Hostnames beside the addresses, "" where there is none; absent where none has one. */
  readonly hostnames: readonly string[] | undefined;
  readonly ports: readonly DirectoryPort[];
}

export interface ClusterDirectory {
  /** Grows with every change. */
  readonly generation: number;
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): DirectoryService | undefined;
  /** The ready endpoints of a Service, slice by slice. */
  slices(namespace: string, name: string): DirectorySlice[];
  /** Services that have this address: their own, or an endpoint's. */
  servicesAt(address: string): DirectoryService[];
  /** Ranges of ServiceCIDR objects: their reverse names are ours too. */
  readonly serviceRanges: readonly CIDR[];
  setServiceRanges(ranges: readonly CIDR[]): void;
  setNamespace(name: string): void;
  deleteNamespace(name: string): void;
  /** Undefined takes the entry away: `readService` and `readSlice` give it for objects that DNS has nothing to say of. */
  setService(key: string, entry: DirectoryService | undefined): void;
  setSlice(key: string, entry: DirectorySlice | undefined): void;
}

/** The label of the nth endpoint: its hostname, or its address with dashes. */
export function hostLabel(slice: DirectorySlice, n: number): string {
  return slice.hostnames?.[n] || slice.addresses[n]!.replace(/[.:]/g, "-");
}

function canonical(address: string): string | undefined {
  const ip = parseIP(address);
  return ip && printIP(ip);
}

// Most Services have one of a few lists of ports: equal lists are one value.
const portLists = new Map<string, readonly DirectoryPort[]>();

function portsOf(
  ports: readonly { name?: string; protocol?: string; port?: number }[] | undefined,
): readonly DirectoryPort[] {
  let key = "";
  for (const p of ports ?? []) key += `${p.name ?? ""} ${p.protocol ?? "TCP"} ${p.port ?? 0},`;
  const known = portLists.get(key);
  if (known) return known;
  const list = (ports ?? []).map((p) => ({
    name: (p.name ?? "").toLowerCase(),
    protocol: (p.protocol ?? "TCP").toLowerCase(),
    port: p.port ?? 0,
  }));
  if (portLists.size >= 1000) portLists.clear();
  portLists.set(key, list);
  return list;
}

const none: readonly string[] = [];

/** A list that has grown keeps room for more; a copy does not, and these are kept by the ten thousand. */
const compact = (list: string[]): string[] => list.slice();

/** What DNS keeps of a Service; undefined where it has no records yet (no address assigned) or none possible. */
export function readService(s: Service): DirectoryService | undefined {
  const { name = "", namespace = "" } = s.metadata;
  const spec = s.spec ?? {};
  const base = { name, namespace, ports: portsOf(spec.ports), externalName: "" };
  if (spec.type === "ExternalName") {
    const externalName = (spec.externalName ?? "").toLowerCase().replace(/\.$/, "");
    // An address is no name: there is nothing to point a CNAME to.
    if (externalName === "" || parseIP(externalName)) return undefined;
    return { ...base, kind: "externalName", addresses: none, externalName };
  }
  if (spec.clusterIP === "None") return { ...base, kind: "headless", addresses: none };
  const listed = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ""];
  const addresses = listed.map(canonical).filter((a) => a !== undefined);
  return addresses.length === 0 ? undefined : { ...base, kind: "clusterIP", addresses: compact(addresses) };
}

/** What DNS keeps of an EndpointSlice; undefined where it belongs to no Service. */
export function readSlice(s: EndpointSlice): DirectorySlice | undefined {
  const service = s.metadata.labels?.["kubernetes.io/service-name"];
  if (!service || s.addressType === "FQDN") return undefined;
  const addresses: string[] = [];
  const hostnames: string[] = [];
  for (const e of s.endpoints ?? []) {
    if (e.conditions?.ready === false) continue;
    for (const a of e.addresses ?? []) {
      const address = canonical(a);
      if (!address) continue;
      addresses.push(address);
      hostnames.push(e.hostname?.toLowerCase() ?? "");
    }
  }
  return {
    // Joined, it is one string; a template makes one that holds its parts.
    service: [s.metadata.namespace, service].join("/"),
    addresses: compact(addresses),
    hostnames: hostnames.some((h) => h !== "") ? compact(hostnames) : undefined,
    ports: portsOf(s.ports),
  };
}

export function createClusterDirectory(): ClusterDirectory {
  let generation = 0;
  let serviceRanges: readonly CIDR[] = [];
  const namespaces = new Set<string>();
  const services = new Map<string, DirectoryService>();
  const slices = new Map<string, DirectorySlice>();
  // Most Services have one slice and most addresses one Service: a bare key there, an array where there are more.
  const slicesOf = new Map<string, string | string[]>();
  const byAddress = new Map<string, string | string[]>();

  function refer(address: string, key: string): void {
    const had = byAddress.get(address);
    byAddress.set(address, had === undefined ? key : Array.isArray(had) ? [...had, key] : [had, key]);
  }

  function remove(map: Map<string, string | string[]>, at: string, key: string): void {
    const had = map.get(at);
    if (had === key) map.delete(at);
    if (!Array.isArray(had) || !had.includes(key)) return;
    const rest = had.toSpliced(had.indexOf(key), 1);
    map.set(at, rest.length === 1 ? rest[0]! : rest);
  }

  const forget = (address: string, key: string): void => remove(byAddress, address, key);

  function deleteService(key: string): boolean {
    const old = services.get(key);
    if (!old) return false;
    services.delete(key);
    for (const a of old.addresses) forget(a, key);
    return true;
  }

  function deleteSlice(key: string): boolean {
    const old = slices.get(key);
    if (!old) return false;
    slices.delete(key);
    remove(slicesOf, old.service, key);
    for (const a of old.addresses) forget(a, old.service);
    return true;
  }

  return {
    get generation() {
      return generation;
    },
    hasNamespace: (name) => namespaces.has(name),
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    slices: (namespace, name) =>
      [slicesOf.get(`${namespace}/${name}`) ?? []].flat().map((key) => slices.get(key)!),
    servicesAt(address) {
      const keys = byAddress.get(address);
      const list = keys === undefined ? [] : Array.isArray(keys) ? [...new Set(keys)] : [keys];
      return list.map((k) => services.get(k)).filter((s) => s !== undefined);
    },
    get serviceRanges() {
      return serviceRanges;
    },
    setServiceRanges(ranges) {
      if (ranges.map(printCIDR).join() === serviceRanges.map(printCIDR).join()) return;
      serviceRanges = ranges;
      generation++;
    },
    setNamespace(name) {
      if (namespaces.has(name)) return;
      namespaces.add(name);
      generation++;
    },
    deleteNamespace(name) {
      if (namespaces.delete(name)) generation++;
    },
    setService(key, entry) {
      if (!deleteService(key) && !entry) return;
      generation++;
      if (!entry) return;
      services.set(key, entry);
      for (const a of entry.addresses) refer(a, key);
    },
    setSlice(key, entry) {
      if (!deleteSlice(key) && !entry) return;
      generation++;
      if (!entry) return;
      slices.set(key, entry);
      const siblings = slicesOf.get(entry.service);
      if (siblings === undefined) slicesOf.set(entry.service, key);
      else if (Array.isArray(siblings)) siblings.push(key);
      else slicesOf.set(entry.service, [siblings, key]);
      for (const a of entry.addresses) refer(a, entry.service);
    },
  };
}
