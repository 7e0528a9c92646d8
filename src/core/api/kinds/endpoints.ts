// v1 Endpoints (kubernetes pkg/registry/core/endpoint).
import type { ResourceDefinition } from "../resource.ts";
import type { Endpoints } from "../types.ts";
import { define } from "./define.ts";
import { ageColumn, column, firstFew, nameColumn } from "./table/mod.ts";

const hostPort = (ip: string, port: number): string =>
  ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;

function endpointsCell(e: Endpoints): string {
  const all: string[] = [];
  for (const s of e.subsets ?? []) {
    const addresses = (s.addresses ?? []).map((a) => a.ip);
    if ((s.ports ?? []).length === 0) all.push(...addresses);
    for (const p of s.ports ?? []) all.push(...addresses.map((ip) => hostPort(ip, p.port)));
  }
  return firstFew(all, "<none>");
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
  columns: [
    nameColumn,
    column("Endpoints", "Addresses and ports of the endpoints.", endpointsCell),
    ageColumn,
  ],
});
