// discovery.k8s.io/v1 EndpointSlice (kubernetes pkg/registry/discovery/endpointslice).
import type { ResourceDefinition } from "../resource.ts";
import type { EndpointSlice } from "../types.ts";
import { define } from "./define.ts";
import { ageColumn, column, firstFew, nameColumn } from "./table/mod.ts";

const portsCell = (s: EndpointSlice): string =>
  firstFew(
    (s.ports ?? []).map((p) => (p.port != null ? String(p.port) : (p.name ?? "*"))),
    "<unset>",
  );

export const endpointSlice: ResourceDefinition<EndpointSlice> = define<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  singular: "endpointslice",
  namespaced: true,
  model: "V1EndpointSlice",
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
