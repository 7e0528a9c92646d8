// discovery.k8s.io/v1 EndpointSlice (kubernetes pkg/registry/discovery/endpointslice).
import { isIPv4, isIPv6 } from "../../net/mod.ts";
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { Endpoint, EndpointSlice } from "../types.ts";
import { define } from "./define.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  immutable,
  invalid,
  invalidEach,
  labelValue,
  notSupported,
  qualifiedName,
  required,
  semanticEqual,
  tooMany,
  validateIP,
  validateLabels,
  validateNonSpecialIP,
  warnIP,
} from "./meta/mod.ts";
import { ageColumn, column, firstFew, nameColumn } from "./table/mod.ts";

const portsCell = (s: EndpointSlice): string =>
  firstFew(
    (s.ports ?? []).map((p) => (p.port != null ? String(p.port) : (p.name ?? "*"))),
    "<unset>",
  );

const MAX_TOPOLOGY_LABELS = 16;
const MAX_ADDRESSES = 100;
/** What the API server enforces; the controllers keep to the 100 of the documentation. */
const MAX_PORTS = 20000;
const MAX_ENDPOINTS = 1000;
const MAX_HINTS = 8;
const addressTypes = ["FQDN", "IPv4", "IPv6"];
const protocols = ["SCTP", "TCP", "UDP"];

function validateDomainName(path: string, name: string): FieldError[] {
  if (name === "") return [required(path)];
  const absolute = name.replace(/\.$/, "");
  const bad = dns1123Subdomain(absolute);
  if (bad.length > 0) return [invalid(path, absolute, bad.join(","))];
  const labels = absolute.split(".");
  if (labels.length < 2)
    return [invalid(path, absolute, "should be a domain with at least two segments separated by dots")];
  const long = labels.find((l) => dns1123Label(l).length > 0);
  return long === undefined ? [] : [invalid(path, long, dns1123Label(long).join(","))];
}

function validateAddresses(e: Endpoint, type: string, path: string, known: readonly string[]): FieldError[] {
  const addresses = e.addresses ?? [];
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(path, "must contain at least 1 address"));
  else if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(path, addresses.length, MAX_ADDRESSES));
  for (const [i, a] of addresses.entries()) {
    const here = `${path}[${i}]`;
    if (type === "FQDN") errors.push(...validateDomainName(here, a));
    else if (type === "IPv4" || type === "IPv6") {
      const bad = validateIP(here, a, known);
      const right = type === "IPv4" ? isIPv4(a) : isIPv6(a);
      if (bad.length > 0) errors.push(...bad);
      else {
        // Kubernetes names the list here.
        if (!right) errors.push(invalid(path, a, `must be an ${type} address`));
        errors.push(...validateNonSpecialIP(here, a));
      }
    }
  }
  return errors;
}

function validateHints(hints: Endpoint["hints"], path: string): FieldError[] {
  return (["forZones", "forNodes"] as const).flatMap((key) => {
    const at = `${path}.${key}`;
    const list = hints?.[key] ?? [];
    if (list.length > MAX_HINTS) return [tooMany(at, list.length, MAX_HINTS)];
    const check = key === "forZones" ? labelValue : dns1123Subdomain;
    return list.flatMap((h, i) => [
      ...(list.findIndex((o) => o.name === h.name) < i ? [duplicate(`${at}[${i}].name`, h.name)] : []),
      ...invalidEach(`${at}[${i}].name`, h.name, check(h.name ?? "")),
    ]);
  });
}

function validateEndpoints(s: EndpointSlice, known: readonly string[]): FieldError[] {
  const list = s.endpoints ?? [];
  if (list.length > MAX_ENDPOINTS) return [tooMany("endpoints", list.length, MAX_ENDPOINTS)];
  return list.flatMap((e, i) => {
    const here = `endpoints[${i}]`;
    const errors = validateAddresses(e, s.addressType, `${here}.addresses`, known);
    if (e.nodeName != null)
      errors.push(...invalidEach(`${here}.nodeName`, e.nodeName, dns1123Subdomain(e.nodeName)));
    const topology = Object.keys(e.deprecatedTopology ?? {}).length;
    const at = `${here}.deprecatedTopology`;
    if (topology > MAX_TOPOLOGY_LABELS) errors.push(tooMany(at, topology, MAX_TOPOLOGY_LABELS));
    errors.push(...validateLabels(e.deprecatedTopology, at));
    if (e.hostname != null)
      errors.push(...invalidEach(`${here}.hostname`, e.hostname, dns1123Label(e.hostname)));
    return [...errors, ...validateHints(e.hints, `${here}.hints`)];
  });
}

function validatePorts(s: EndpointSlice): FieldError[] {
  const ports = s.ports ?? [];
  if (ports.length > MAX_PORTS) return [tooMany("ports", ports.length, MAX_PORTS)];
  const names = new Set<string>();
  return ports.flatMap((p, i) => {
    const here = `ports[${i}]`;
    const name = p.name ?? "";
    const errors = name === "" ? [] : invalidEach(`${here}.name`, name, dns1123Label(name));
    if (names.has(name)) errors.push(duplicate(`${here}.name`, name));
    names.add(name);
    if (p.protocol == null) errors.push(required(`${here}.protocol`));
    else if (!protocols.includes(p.protocol))
      errors.push(notSupported(`${here}.protocol`, p.protocol, protocols));
    if (p.appProtocol != null)
      errors.push(...invalidEach(`${here}.appProtocol`, p.appProtocol, qualifiedName(p.appProtocol)));
    return errors;
  });
}

function validate(s: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  const types = old ? [...addressTypes, "IP"].sort() : addressTypes;
  if (!s.addressType) errors.push(required("addressType"));
  else if (!types.includes(s.addressType)) errors.push(notSupported("addressType", s.addressType, types));
  const known = (old?.endpoints ?? []).flatMap((e) => e.addresses ?? []);
  return [
    ...errors,
    ...validateEndpoints(s, known),
    ...validatePorts(s),
    ...(old ? immutable("addressType", s.addressType, old.addressType) : []),
  ];
}

/** All but metadata; generation counts its changes, and those of the labels. */
const content = (s: EndpointSlice): unknown => [s.addressType, s.endpoints, s.ports, s.metadata.labels];

export const endpointSlice: ResourceDefinition<EndpointSlice> = define<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  singular: "endpointslice",
  namespaced: true,
  model: "V1EndpointSlice",
  setDefaults(s) {
    s.endpoints ??= [];
    for (const e of s.endpoints) e.conditions ??= {};
    for (const p of s.ports ?? []) {
      p.name ??= "";
      p.protocol ??= "TCP";
    }
  },
  prepareForCreate(s) {
    s.metadata.generation = 1;
  },
  prepareForUpdate(s, old) {
    s.metadata.generation =
      (old.metadata.generation ?? 0) + (semanticEqual(content(s), content(old)) ? 0 : 1);
  },
  validate: (s) => validate(s),
  validateUpdate: validate,
  warnings: (s) =>
    s.addressType === "FQDN"
      ? ["spec.addressType: FQDN endpoints are deprecated"]
      : (s.endpoints ?? []).flatMap((e, i) =>
          (e.addresses ?? []).flatMap((a, j) => warnIP(`endpoints[${i}].addresses[${j}]`, a)),
        ),
  columns: [
    nameColumn,
    column("AddressType", "Type of the addresses in the slice.", (s) => s.addressType ?? ""),
    column("Ports", "Ports of the endpoints.", portsCell),
    column("Endpoints", "Addresses of the endpoints.", (s) =>
      firstFew(
        (s.endpoints ?? []).flatMap((e) => e.addresses ?? []),
        "<unset>",
      ),
    ),
    ageColumn,
  ],
});
