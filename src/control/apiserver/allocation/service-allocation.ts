// What a Service is given before it is written: cluster IP, node ports, health check node port. The store decides what is in
// use: whatever a stored Service names is held, what no Service names any more is free again; a write under way holds its own
// (kubernetes pkg/registry/core/service/storage/alloc.go).
import {
  initIPFamilies,
  isHeadless,
  needsClusterIP,
  needsHealthCheckNodePort,
  needsNodePort,
} from "../../../core/api/kinds/mod.ts";
import type { ResourceDefinition } from "../../../core/api/resource.ts";
import { internalError, invalid } from "../../../core/api/status.ts";
import type { IPAddress, Service, ServiceCIDR } from "../../../core/api/types.ts";
import type { ClusterFacts } from "../../../core/cluster/config.ts";
import { rangesByFamily } from "../../../core/cluster/ip-families.ts";
import { canonicalIP, familyOf, type IPFamily } from "../../../core/net/mod.ts";
import type { KeyValue, Store } from "../../store/mod.ts";
import type { Reserve } from "../context.ts";
import { storedObject } from "../stored-object.ts";
import { type AddressRanges, createAddressRanges } from "./address-ranges.ts";
import { type AllocationMetrics, noAllocationMetrics } from "./allocation-metrics.ts";
import { createPortRange } from "./port-range.ts";

const kind = { group: "", kind: "Service" };
const servicesPrefix = "/registry/core/services/";
const cidrsPrefix = "/registry/networking.k8s.io/servicecidrs/";
const addressesPrefix = "/registry/networking.k8s.io/ipaddresses/";

const addressesOf = (s: Service | undefined): string[] =>
  (s?.spec?.clusterIPs ?? []).filter((ip) => ip !== "" && ip !== "None").map(canonicalIP);

function portsOf(s: Service | undefined): number[] {
  if (!s?.spec) return [];
  const ports = (s.spec.ports ?? []).map((p) => p.nodePort ?? 0);
  return [...new Set([...ports, s.spec.healthCheckNodePort ?? 0])].filter((n) => n !== 0);
}

/** The ranges that an object lets Services have addresses of now: none once it is on its way out. */
function rangesOf({ metadata, spec, status }: ServiceCIDR): readonly string[] {
  const ready = status?.conditions?.find((c) => c.type === "Ready")?.status ?? "True";
  return metadata.deletionTimestamp || ready !== "True" ? [] : (spec?.cidrs ?? []);
}

/** What is newly taken for one write. */
interface Taken {
  addresses: string[];
  ports: number[];
}

export interface AllocationOptions {
  store: Store;
  cluster: ClusterFacts;
  random(): number;
  metrics?: AllocationMetrics;
}

/** Reads every Service in the store and follows it from then on. */
export function createServiceAllocation(options: AllocationOptions): Reserve {
  const { store, cluster, random, metrics = noAllocationMetrics } = options;
  /** What a dry run takes is not counted. */
  let counting = false;
  const tell: AllocationMetrics["address"] = (cidr, scope, ok) => {
    if (counting) metrics.address(cidr, scope, ok);
  };
  const byFamily = new Map<IPFamily, AddressRanges>();
  for (const [family, { serviceCIDR }] of rangesByFamily(cluster))
    byFamily.set(family, createAddressRanges(serviceCIDR, random, tell));
  const families = [...byFamily.keys()];
  /** Undefined for a family that the cluster has no more. */
  const rangesFor = (address: string): AddressRanges | undefined => byFamily.get(familyOf(address));
  const ports = createPortRange(cluster.nodePortRange, random);

  const serviceIn = (kv: KeyValue | undefined): Service | undefined => kv && (storedObject(kv) as Service);

  /** Addresses that IPAddress objects give to others than Services. */
  const foreign = new Set<string>();
  /** What stored Services name, as against what a write under way has taken. */
  const stored = new Set<string | number>();

  function hold(s: Service | undefined): void {
    for (const a of addressesOf(s)) rangesFor(a)?.hold(a);
    for (const p of portsOf(s)) ports.hold(p);
    for (const v of [...addressesOf(s), ...portsOf(s)]) stored.add(v);
  }
  const ranges = new Map<string, readonly string[]>();
  function setRanges(kv: KeyValue, there: boolean): void {
    if (there) ranges.set(kv.key, rangesOf(storedObject(kv) as ServiceCIDR));
    else ranges.delete(kv.key);
    for (const a of byFamily.values()) a.extend([...ranges.values()].flat());
  }
  function freeAddress(address: string): void {
    if (!stored.has(address) && !foreign.has(address)) rangesFor(address)?.release(address);
  }
  function setForeign(kv: KeyValue, there: boolean): void {
    const { metadata, spec } = storedObject(kv) as IPAddress;
    const { group = "", resource } = spec?.parentRef ?? {};
    if (group === "" && resource === "services") return;
    if (there) {
      foreign.add(metadata.name!);
      rangesFor(metadata.name!)?.hold(metadata.name!);
    } else if (foreign.delete(metadata.name!)) freeAddress(metadata.name!);
  }
  for (const kv of store.range(cidrsPrefix)) setRanges(kv, true);
  for (const kv of store.range(servicesPrefix)) hold(serviceIn(kv));
  for (const kv of store.range(addressesPrefix)) setForeign(kv, true);
  store.watch(cidrsPrefix, store.revision, ({ type, kv, prevKv }) =>
    setRanges(type === "PUT" ? kv : (prevKv ?? kv), type === "PUT"),
  );
  store.watch(addressesPrefix, store.revision, ({ type, kv, prevKv }) => {
    const known = type === "PUT" ? kv : prevKv;
    if (known) setForeign(known, type === "PUT");
  });
  store.watch(servicesPrefix, store.revision, ({ type, kv, prevKv }) => {
    const now = type === "PUT" ? serviceIn(kv) : undefined;
    const before = serviceIn(prevKv);
    const kept = new Set<string | number>([...addressesOf(now), ...portsOf(now)]);
    for (const v of [...addressesOf(before), ...portsOf(before)]) if (!kept.has(v)) stored.delete(v);
    for (const a of addressesOf(before)) if (!kept.has(a)) freeAddress(a);
    for (const p of portsOf(before)) if (!kept.has(p)) ports.release(p);
    hold(now);
  });

  function takeAddress(s: Service, family: IPFamily, wanted: string): string {
    const ranges = byFamily.get(family)!;
    if (wanted === "") {
      const found = ranges.takeAny();
      if ("address" in found) return found.address;
      throw internalError(
        `failed to allocate a serviceIP for Service ${JSON.stringify(s.metadata.name)}: ${found.refused}`,
      );
    }
    const refused = ranges.take(wanted);
    if (refused === undefined) return wanted;
    throw invalid(kind, s.metadata.name!, [
      {
        type: "FieldValueInvalid",
        field: "spec.clusterIPs",
        value: s.spec!.clusterIPs,
        detail: `failed to allocate IP ${wanted}: ${refused}`,
      },
    ]);
  }

  /** An address of each family that the Service has none of yet. */
  function takeClusterIPs(s: Service, old: Service | undefined, taken: Taken): void {
    const spec = s.spec!;
    if (!needsClusterIP(s) || isHeadless(s)) return;
    const had = new Set(addressesOf(old));
    const ips = [...(spec.clusterIPs ?? [])];
    for (const [i, family] of (spec.ipFamilies as IPFamily[]).entries()) {
      const wanted = ips[i] ?? "";
      if (wanted !== "" && had.has(canonicalIP(wanted))) continue;
      ips[i] = takeAddress(s, family, wanted);
      taken.addresses.push(canonicalIP(ips[i]!));
    }
    spec.clusterIPs = ips;
    spec.clusterIP = ips[0]!;
  }

  function takeNamedPort(port: number): string | undefined {
    const refused = ports.take(port);
    if (counting) metrics.nodePort("static", refused === undefined);
    return refused;
  }

  /** Takes one port, or any; `field` for the message. */
  function takePort(s: Service, wanted: number, field: string, taken: Taken): number {
    if (wanted !== 0) {
      const refused = takeNamedPort(wanted);
      if (refused !== undefined)
        throw invalid(kind, s.metadata.name!, [
          { type: "FieldValueInvalid", field, value: wanted, detail: refused },
        ]);
      taken.ports.push(wanted);
      return wanted;
    }
    return takeAnyPort("nodePort", taken);
  }

  function takeAnyPort(what: string, taken: Taken): number {
    const found = ports.takeAny();
    if (counting) metrics.nodePort("dynamic", "port" in found);
    if ("refused" in found) throw internalError(`failed to allocate a ${what}: ${found.refused}`);
    taken.ports.push(found.port);
    return found.port;
  }

  /** Ports of one number and several protocols share a node port. */
  function takeFirstNodePorts(s: Service, taken: Taken): void {
    const list = s.spec!.ports ?? [];
    const shared = new Map<number, number>();
    for (const [i, p] of list.entries()) {
      if (!p.nodePort && !needsNodePort(s)) continue;
      const known = shared.get(p.port);
      const field = `spec.ports[${i}].nodePort`;
      if (known === undefined) {
        const chosen = list.find((q) => q.port === p.port && q.nodePort)?.nodePort ?? 0;
        p.nodePort = takePort(s, chosen, field, taken);
        shared.set(p.port, p.nodePort);
      } else if (!p.nodePort) p.nodePort = known;
      else if (p.nodePort !== known) takePort(s, p.nodePort, field, taken);
    }
  }

  /** Unlike at first, ports that are added share no number but one that they name. */
  function takeMoreNodePorts(s: Service, old: Service, taken: Taken): void {
    const had = new Set((old.spec?.ports ?? []).map((p) => p.nodePort ?? 0));
    const mine = new Set<number>();
    for (const [i, p] of (s.spec!.ports ?? []).entries()) {
      const wanted = p.nodePort ?? 0;
      if (wanted === 0 && !needsNodePort(s)) continue;
      if (wanted === 0 || !(had.has(wanted) || mine.has(wanted)))
        p.nodePort = takePort(s, wanted, `spec.ports[${i}].nodePort`, taken);
      mine.add(wanted);
    }
  }

  function takeNodePorts(s: Service, old: Service | undefined, taken: Taken): void {
    const { type } = s.spec!;
    if (type !== "NodePort" && type !== "LoadBalancer") return;
    if (old) takeMoreNodePorts(s, old, taken);
    else takeFirstNodePorts(s, taken);
  }

  function takeHealthCheckPort(s: Service, old: Service | undefined, taken: Taken): void {
    if (!needsHealthCheckNodePort(s)) return;
    const spec = s.spec!;
    const wanted = spec.healthCheckNodePort ?? 0;
    if (wanted !== 0 && wanted === old?.spec?.healthCheckNodePort) return;
    if (wanted === 0) {
      spec.healthCheckNodePort = takeAnyPort("HealthCheck NodePort 0", taken);
      return;
    }
    const refused = takeNamedPort(wanted);
    if (refused !== undefined)
      throw internalError(`failed to allocate requested HealthCheck NodePort ${wanted}: ${refused}`);
    taken.ports.push(wanted);
  }

  metrics.watch(() => ({
    ranges: [...byFamily.values()].flatMap((r) => r.use()),
    nodePorts: ports.use(),
  }));
  return ({ def, object, old, context }) => {
    if (!isService(def) || !object) return undefined;
    const service = object as Service;
    const before = old as Service | undefined;
    const errors = initIPFamilies(service, before, families);
    if (errors.length > 0) throw invalid(kind, service.metadata.name!, errors);
    const taken: Taken = { addresses: [], ports: [] };
    counting = !context.dryRun;
    const release = (): void => {
      // A write that failed may turn out to be on the disk after all.
      for (const a of taken.addresses) freeAddress(a);
      for (const p of taken.ports) if (!stored.has(p)) ports.release(p);
    };
    try {
      takeClusterIPs(service, before, taken);
      takeNodePorts(service, before, taken);
      takeHealthCheckPort(service, before, taken);
    } catch (error) {
      release();
      throw error;
    }
    return { commit() {}, release };
  };
}

const isService = (def: ResourceDefinition): boolean => def.group === "" && def.plural === "services";
