// Answers for names of the cluster: Kubernetes DNS-Based Service Discovery 1.1, with CoreDNS' values where the
// specification leaves them open (weights, SOA, records of endpoints of ClusterIP Services).
import { type CIDR, parseIP, printIP } from "../../net/mod.ts";
import {
  type ClusterDirectory,
  type DirectoryPort,
  type DirectoryService,
  hostLabel,
} from "./cluster-directory.ts";
import { clusterTtl, TYPE } from "./constants.ts";
import type { RecordData, Resolution, ResourceRecord } from "./record.ts";
import { parseReverseName, reverseZone } from "./reverse-zones.ts";

export interface ZoneOptions {
  /** e.g. "cluster.local". */
  readonly domain: string;
  /** Where this DNS is asked: the ClusterIP of kube-dns. */
  readonly dnsAddress: string;
  /** Ranges whose reverse names are ours: Services and pods. */
  readonly ranges: readonly CIDR[];
  /** SOA serial. */
  readonly serial: number;
}

export const schemaVersion = "1.1.0";

const record = (name: string, data: RecordData, ttl = clusterTtl): ResourceRecord => ({ name, ttl, data });
const addressRecord = (name: string, address: string): ResourceRecord =>
  record(name, { kind: address.includes(":") ? "AAAA" : "A", address });

export const soaRecord = (zone: string, serial: number): ResourceRecord =>
  record(zone, { kind: "SOA", zone, serial });

const typeOf: Record<RecordData["kind"], number> = TYPE;

/** The records of the asked type, or NODATA: the name is known to be there. */
function select(
  records: ResourceRecord[],
  type: number,
  zone: string,
  additional: ResourceRecord[] = [],
): Resolution {
  const answers = type === TYPE.ANY ? records : records.filter((r) => typeOf[r.data.kind] === type);
  if (answers.length === 0) return { kind: "nodata", zone };
  const withSrv = answers.some((r) => r.data.kind === "SRV");
  return { kind: "answer", answers, additional: withSrv && type !== TYPE.ANY ? additional : [] };
}

/** Resolves a name given as lower-case labels, host first. */
export function resolveName(
  directory: ClusterDirectory,
  zone: ZoneOptions,
  labels: readonly string[],
  type: number,
): Resolution {
  const domain = zone.domain.split(".");
  const at = labels.length - domain.length;
  if (at >= 0 && domain.every((label, i) => labels[at + i] === label)) {
    const rest = labels.slice(0, at);
    // Characters that no Kubernetes name has (a dot inside a label above all) must not reach lookups by joined text.
    if (rest.some((label) => !/^[a-z0-9_-]+$/.test(label))) return { kind: "nxdomain", zone: zone.domain };
    return resolveInZone(directory, zone, rest, type);
  }
  return resolveReverse(directory, zone, labels, type);
}

function resolveInZone(
  directory: ClusterDirectory,
  zone: ZoneOptions,
  rest: readonly string[],
  type: number,
): Resolution {
  const { domain } = zone;
  const nodata: Resolution = { kind: "nodata", zone: domain };
  const nxdomain: Resolution = { kind: "nxdomain", zone: domain };
  const server = `ns.dns.${domain}`;
  const name = rest.length === 0 ? domain : `${rest.join(".")}.${domain}`;
  if (rest.length === 0)
    return select(
      [soaRecord(domain, zone.serial), record(domain, { kind: "NS", target: server })],
      type,
      domain,
    );
  const branch = rest.at(-1)!;
  if (branch === "dns-version" && rest.length === 1)
    return select([record(name, { kind: "TXT", text: schemaVersion }, 28800)], type, domain);
  if (branch === "dns") {
    if (rest.length === 1) return nodata;
    if (name === server) return select([addressRecord(name, zone.dnsAddress)], type, domain);
    return nxdomain;
  }
  if (branch !== "svc" && branch !== "pod") return nxdomain;
  if (rest.length === 1) return nodata;
  const namespace = rest.at(-2)!;
  if (rest.length === 2) return directory.hasNamespace(namespace) ? nodata : nxdomain;
  const object = rest.at(-3)!;
  if (branch === "pod") {
    const address = rest.length === 3 && directory.hasNamespace(namespace) ? podAddress(object) : undefined;
    return address ? select([addressRecord(name, address)], type, domain) : nxdomain;
  }
  const service = directory.service(namespace, object);
  if (!service) return nxdomain;
  const base = `${object}.${namespace}.svc.${domain}`;
  const before = rest.slice(0, -3);
  if (service.kind !== "externalName")
    return resolveService({ directory, service, base, domain }, before, type);
  if (before.length > 0) return nxdomain;
  return resolveAlias(directory, zone, record(name, { kind: "CNAME", target: service.externalName }), type);
}

/** `1-2-3-4` or `fd00--1`: the address that a pod's name says, whether or not a pod has it. */
function podAddress(label: string): string | undefined {
  const dashes = label.split("-").length - 1;
  const text = label.replaceAll("-", dashes === 3 && !label.includes("--") ? "." : ":");
  const ip = parseIP(text);
  return ip && printIP(ip);
}

interface ServiceContext {
  readonly directory: ClusterDirectory;
  readonly service: DirectoryService;
  /** The Service's full name. */
  readonly base: string;
  readonly domain: string;
}

/** Where SRV records of a Service point: the Service itself, or each endpoint of a headless one. */
interface Target {
  readonly name: string;
  readonly addresses: string[];
  readonly ports: readonly DirectoryPort[];
}

function resolveService(ctx: ServiceContext, before: readonly string[], type: number): Resolution {
  const { service, base, domain } = ctx;
  const nxdomain: Resolution = { kind: "nxdomain", zone: domain };
  if (before.length > 2) return nxdomain;
  const first = before[0] ?? "";
  if (before.length === 1 && !first.startsWith("_")) {
    const targets = endpointTargets(ctx).filter((t) => t.name === `${first}.${base}`);
    return targets.length === 0
      ? nxdomain
      : selectTargets(`${first}.${base}`, targets, () => true, type, domain);
  }
  const targets =
    service.kind === "headless"
      ? endpointTargets(ctx)
      : [{ name: base, addresses: [...service.addresses], ports: service.ports }];
  if (targets.length === 0) return nxdomain;
  if (before.length === 0) return selectTargets(base, targets, () => true, type, domain);
  const protocol = before.at(-1)!.slice(1);
  const named = (p: DirectoryPort): boolean => p.name !== "" && p.protocol === protocol;
  if (before.length === 1)
    return { kind: targets.some((t) => t.ports.some(named)) ? "nodata" : "nxdomain", zone: domain };
  if (!first.startsWith("_") || !before[1]!.startsWith("_")) return nxdomain;
  const wanted = (p: DirectoryPort): boolean => named(p) && p.name === first.slice(1);
  if (!targets.some((t) => t.ports.some(wanted))) return nxdomain;
  const { answers, additional } = srvRecords(`${before.join(".")}.${base}`, targets, wanted);
  return select(answers, type, domain, additional);
}

/** Address records and SRV records of a name that stands for these targets. */
function selectTargets(
  name: string,
  targets: readonly Target[],
  wanted: (p: DirectoryPort) => boolean,
  type: number,
  domain: string,
): Resolution {
  const addresses = new Set(targets.flatMap((t) => t.addresses));
  const srv =
    type === TYPE.SRV || type === TYPE.ANY
      ? srvRecords(name, targets, wanted)
      : { answers: [], additional: [] };
  const records = [...[...addresses].map((a) => addressRecord(name, a)), ...srv.answers];
  return select(records, type, domain, srv.additional);
}

/** The endpoints of a Service by hostname; one hostname may have several addresses. */
function endpointTargets({ directory, service, base }: ServiceContext): Target[] {
  const targets = new Map<string, { name: string; addresses: string[]; ports: DirectoryPort[] }>();
  for (const slice of directory.slices(service.namespace, service.name))
    for (const [n, address] of slice.addresses.entries()) {
      const host = hostLabel(slice, n);
      let target = targets.get(host);
      if (!target) {
        target = { name: `${host}.${base}`, addresses: [], ports: [] };
        targets.set(host, target);
      }
      if (!target.addresses.includes(address)) target.addresses.push(address);
      for (const p of slice.ports)
        if (!target.ports.some((o) => o.name === p.name && o.protocol === p.protocol && o.port === p.port))
          target.ports.push(p);
    }
  return [...targets.values()];
}

function srvRecords(
  name: string,
  targets: readonly Target[],
  wanted: (p: DirectoryPort) => boolean,
): { answers: ResourceRecord[]; additional: ResourceRecord[] } {
  const pairs = targets.flatMap((t) => t.ports.filter(wanted).map((p) => ({ target: t, port: p.port })));
  const weight = Math.max(1, Math.floor(100 / Math.max(1, pairs.length)));
  return {
    answers: pairs.map(({ target, port }) =>
      record(name, { kind: "SRV", weight, port, target: target.name }),
    ),
    additional: [...new Set(pairs.map((p) => p.target))].flatMap((t) =>
      t.addresses.map((a) => addressRecord(t.name, a)),
    ),
  };
}

/** Follows CNAMEs as long as they stay in the cluster; a chain that comes back to itself ends where it does. */
function resolveAlias(
  directory: ClusterDirectory,
  zone: ZoneOptions,
  first: ResourceRecord,
  type: number,
): Resolution {
  const target = (first.data as { target: string }).target;
  if (type === TYPE.CNAME || type === TYPE.ANY) return { kind: "answer", answers: [first], additional: [] };
  const answers = [first];
  let labels = target.split(".");
  for (;;) {
    const next = resolveName(directory, zone, labels, TYPE.CNAME);
    if (next.kind !== "answer") break;
    const cname = next.answers[0]!;
    const looped = answers.some((a) => a.name === cname.name);
    if (looped || answers.length === 8) return { kind: "answer", answers, additional: [] };
    answers.push(cname);
    labels = (cname.data as { target: string }).target.split(".");
  }
  const end = resolveName(directory, zone, labels, type);
  if (end.kind === "outside") return { kind: "alias", answers, target: labels.join(".") };
  if (end.kind === "answer")
    return { kind: "answer", answers: [...answers, ...end.answers], additional: end.additional };
  return { kind: "answer", answers, additional: [] };
}

function resolveReverse(
  directory: ClusterDirectory,
  zone: ZoneOptions,
  labels: readonly string[],
  type: number,
): Resolution {
  const reverse = parseReverseName(labels);
  if (!reverse) return { kind: "outside" };
  const own = reverseZone(reverse, zone.ranges) ?? reverseZone(reverse, directory.serviceRanges);
  const name = labels.join(".");
  const whole = reverse.bits === (reverse.ip.family === 4 ? 32 : 128);
  const names = whole ? namesAt(directory, zone.domain, printIP(reverse.ip)) : [];
  if (names.length > 0)
    return select(
      names.map((target) => record(name, { kind: "PTR", target })),
      type,
      own ?? name,
    );
  if (!own) return { kind: "outside" };
  if (name === own)
    return select(
      [soaRecord(own, zone.serial), record(own, { kind: "NS", target: `ns.dns.${zone.domain}` })],
      type,
      own,
    );
  return { kind: whole ? "nxdomain" : "nodata", zone: own };
}

/** A Service that has the address as its own comes first and alone; else each endpoint's name. */
function namesAt(directory: ClusterDirectory, domain: string, address: string): string[] {
  const services = directory.servicesAt(address);
  const fullName = (s: DirectoryService): string => `${s.name}.${s.namespace}.svc.${domain}`;
  const own = services.find((s) => s.addresses.includes(address));
  if (own) return [fullName(own)];
  const names = services.flatMap((s) =>
    directory
      .slices(s.namespace, s.name)
      .flatMap((slice) =>
        slice.addresses.flatMap((a, n) => (a === address ? [`${hostLabel(slice, n)}.${fullName(s)}`] : [])),
      ),
  );
  return [...new Set(names)];
}
