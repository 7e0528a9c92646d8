// v1 Endpoints (kubernetes pkg/registry/core/endpoint).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { EndpointSubset, Endpoints } from "../types.ts";
import { define } from "./define.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  invalidEach,
  notSupported,
  portNumber,
  qualifiedName,
  required,
  validateIP,
  validateNonSpecialIP,
  warnIP,
} from "./meta/mod.ts";
import { ageColumn, column, firstFew, nameColumn } from "./table/mod.ts";

const hostPort = (ip: string, port: number): string =>
  ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;

function endpointsCell(e: Endpoints): string {
  const all: string[] = [];
  for (const s of e.subsets ?? []) {
    const addresses = (s.addresses ?? []).map((a) => a.ip ?? "");
    if ((s.ports ?? []).length === 0) all.push(...addresses);
    for (const p of s.ports ?? []) all.push(...addresses.map((ip) => hostPort(ip, p.port)));
  }
  return firstFew(all, "<none>");
}

const protocols = ["SCTP", "TCP", "UDP"];

type Address = NonNullable<EndpointSubset["addresses"]>[number];
type Port = NonNullable<EndpointSubset["ports"]>[number];

function validateAddress(a: Address, path: string, known: readonly string[]): FieldError[] {
  const ip = a.ip ?? "";
  return [
    ...validateIP(`${path}.ip`, ip, known),
    ...(a.hostname ? invalidEach(`${path}.hostname`, a.hostname, dns1123Label(a.hostname)) : []),
    ...(a.nodeName != null ? invalidEach(`${path}.nodeName`, a.nodeName, dns1123Subdomain(a.nodeName)) : []),
    ...validateNonSpecialIP(`${path}.ip`, ip),
  ];
}

function validatePort(p: Port, path: string, needsName: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (p.name) errors.push(...invalidEach(`${path}.name`, p.name, dns1123Label(p.name)));
  else if (needsName) errors.push(required(`${path}.name`));
  errors.push(...invalidEach(`${path}.port`, p.port ?? 0, portNumber(p.port ?? 0)));
  if (!p.protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(p.protocol))
    errors.push(notSupported(`${path}.protocol`, p.protocol, protocols));
  if (p.appProtocol != null)
    errors.push(...invalidEach(`${path}.appProtocol`, p.appProtocol, qualifiedName(p.appProtocol)));
  return errors;
}

const addressLists = ["addresses", "notReadyAddresses"] as const;
const addressesOf = (e: Endpoints | undefined): string[] =>
  (e?.subsets ?? []).flatMap((s) => addressLists.flatMap((l) => (s[l] ?? []).map((a) => a.ip)));

function validateSubsets(e: Endpoints, old?: Endpoints): FieldError[] {
  const known = addressesOf(old);
  return (e.subsets ?? []).flatMap((s, i) => {
    const here = `subsets[${i}]`;
    const errors: FieldError[] = [];
    if (addressLists.every((l) => (s[l] ?? []).length === 0))
      errors.push(required(here, "must specify `addresses` or `notReadyAddresses`"));
    for (const list of addressLists)
      for (const [j, a] of (s[list] ?? []).entries())
        errors.push(...validateAddress(a, `${here}.${list}[${j}]`, known));
    const ports = s.ports ?? [];
    for (const [j, p] of ports.entries())
      errors.push(...validatePort(p, `${here}.ports[${j}]`, ports.length > 1));
    return errors;
  });
}

function warnings(e: Endpoints): string[] {
  return (e.subsets ?? []).flatMap((s, i) =>
    addressLists.flatMap((l) =>
      (s[l] ?? []).flatMap((a, j) => warnIP(`subsets[${i}].${l}[${j}].ip`, a.ip ?? "")),
    ),
  );
}

export const endpoints: ResourceDefinition<Endpoints> = define<Endpoints>({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  singular: "endpoints",
  shortNames: ["ep"],
  namespaced: true,
  model: "V1Endpoints",
  allowCreateOnUpdate: true,
  deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  setDefaults(e) {
    for (const s of e.subsets ?? []) for (const p of s.ports ?? []) p.protocol ||= "TCP";
  },
  validate: (e) => validateSubsets(e),
  validateUpdate: (e, old) => validateSubsets(e, old),
  warnings,
  columns: [
    nameColumn,
    column("Endpoints", "Addresses and ports of the endpoints.", endpointsCell),
    ageColumn,
  ],
});
