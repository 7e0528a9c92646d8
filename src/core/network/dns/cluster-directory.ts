// What DNS needs to know of namespaces, Services and EndpointSlices, kept small: names, addresses, ports, hostnames.
// It changes one object at a time; `generation` says that something changed.
import type { EndpointSlice, Service } from "../../api/types.ts";
import { parseIP, printIP } from "../../net/mod.ts";

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

export interface DirectoryEndpoint {
  readonly address: string;
  /** The hostname of the endpoint, or its address with dashes. */
  readonly host: string;
}

interface DirectorySlice {
  readonly service: string;
  readonly endpoints: readonly DirectoryEndpoint[];
  readonly ports: readonly DirectoryPort[];
}

export interface ClusterDirectory {
  /** Grows with every change. */
  readonly generation: number;
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): DirectoryService | undefined;
  /** The ready endpoints of a Service, slice by slice. */
  slices(
    namespace: string,
    name: string,
  ): { endpoints: readonly DirectoryEndpoint[]; ports: readonly DirectoryPort[] }[];
  /** Services that have this address: their own, or an endpoint's. */
  servicesAt(address: string): DirectoryService[];
  setNamespace(name: string): void;
  deleteNamespace(name: string): void;
  setService(service: Service): void;
  deleteService(namespace: string, name: string): void;
  setSlice(slice: EndpointSlice): void;
  deleteSlice(namespace: string, name: string): void;
}

/** The label that stands for an address: dots and colons become dashes. */
export const dashedAddress = (address: string): string => address.replace(/[.:]/g, "-");

function canonical(address: string): string | undefined {
  const ip = parseIP(address);
  return ip && printIP(ip);
}

const noPorts: readonly DirectoryPort[] = [];

function portsOf(
  ports: readonly { name?: string; protocol?: string; port?: number }[] | undefined,
): readonly DirectoryPort[] {
  if (!ports || ports.length === 0) return noPorts;
  return ports.map((p) => ({
    name: (p.name ?? "").toLowerCase(),
    protocol: (p.protocol ?? "TCP").toLowerCase(),
    port: p.port ?? 0,
  }));
}

function readService(s: Service): DirectoryService | undefined {
  const { name = "", namespace = "" } = s.metadata;
  const spec = s.spec ?? {};
  const base = { name, namespace, ports: portsOf(spec.ports), externalName: "" };
  if (spec.type === "ExternalName") {
    const externalName = (spec.externalName ?? "").toLowerCase().replace(/\.$/, "");
    // An address is no name: there is nothing to point a CNAME to.
    if (externalName === "" || parseIP(externalName)) return undefined;
    return { ...base, kind: "externalName", addresses: [], externalName };
  }
  if (spec.clusterIP === "None") return { ...base, kind: "headless", addresses: [] };
  const listed = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ""];
  const addresses = listed.map(canonical).filter((a) => a !== undefined);
  return addresses.length === 0 ? undefined : { ...base, kind: "clusterIP", addresses };
}

function readSlice(s: EndpointSlice): DirectorySlice | undefined {
  const service = s.metadata.labels?.["kubernetes.io/service-name"];
  if (!service || s.addressType === "FQDN") return undefined;
  const endpoints = (s.endpoints ?? [])
    .filter((e) => e.conditions?.ready !== false)
    .flatMap((e) =>
      (e.addresses ?? []).flatMap((a) => {
        const address = canonical(a);
        return address ? [{ address, host: e.hostname?.toLowerCase() || dashedAddress(address) }] : [];
      }),
    );
  return { service: `${s.metadata.namespace}/${service}`, endpoints, ports: portsOf(s.ports) };
}

export function createClusterDirectory(): ClusterDirectory {
  let generation = 0;
  const namespaces = new Set<string>();
  const services = new Map<string, DirectoryService>();
  const slices = new Map<string, DirectorySlice>();
  const slicesOf = new Map<string, Set<string>>();
  // Most addresses belong to one Service: a bare key there, an array (with repeats) only where there are more.
  const byAddress = new Map<string, string | string[]>();

  function refer(address: string, key: string): void {
    const had = byAddress.get(address);
    byAddress.set(address, had === undefined ? key : Array.isArray(had) ? [...had, key] : [had, key]);
  }

  function forget(address: string, key: string): void {
    const had = byAddress.get(address);
    if (had === undefined) return;
    if (!Array.isArray(had)) {
      if (had === key) byAddress.delete(address);
      return;
    }
    const at = had.indexOf(key);
    if (at < 0) return;
    const rest = had.toSpliced(at, 1);
    byAddress.set(address, rest.length === 1 ? rest[0]! : rest);
  }

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
    const siblings = slicesOf.get(old.service);
    siblings?.delete(key);
    if (siblings?.size === 0) slicesOf.delete(old.service);
    for (const e of old.endpoints) forget(e.address, old.service);
    return true;
  }

  return {
    get generation() {
      return generation;
    },
    hasNamespace: (name) => namespaces.has(name),
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    slices: (namespace, name) =>
      [...(slicesOf.get(`${namespace}/${name}`) ?? [])].map((key) => slices.get(key)!),
    servicesAt(address) {
      const keys = byAddress.get(address);
      const list = keys === undefined ? [] : Array.isArray(keys) ? [...new Set(keys)] : [keys];
      return list.map((k) => services.get(k)).filter((s) => s !== undefined);
    },
    setNamespace(name) {
      if (namespaces.has(name)) return;
      namespaces.add(name);
      generation++;
    },
    deleteNamespace(name) {
      if (namespaces.delete(name)) generation++;
    },
    setService(service) {
      const key = `${service.metadata.namespace}/${service.metadata.name}`;
      deleteService(key);
      generation++;
      const entry = readService(service);
      if (!entry) return;
      services.set(key, entry);
      for (const a of entry.addresses) refer(a, key);
    },
    deleteService(namespace, name) {
      if (deleteService(`${namespace}/${name}`)) generation++;
    },
    setSlice(slice) {
      const key = `${slice.metadata.namespace}/${slice.metadata.name}`;
      deleteSlice(key);
      generation++;
      const entry = readSlice(slice);
      if (!entry) return;
      slices.set(key, entry);
      const siblings = slicesOf.get(entry.service);
      if (siblings) siblings.add(key);
      else slicesOf.set(entry.service, new Set([key]));
      for (const e of entry.endpoints) refer(e.address, entry.service);
    },
    deleteSlice(namespace, name) {
      if (deleteSlice(`${namespace}/${name}`)) generation++;
    },
  };
}
