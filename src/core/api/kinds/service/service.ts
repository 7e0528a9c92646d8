// v1 Service (kubernetes pkg/registry/core/service).
import type { ResourceDefinition } from "../../resource.ts";
import type { Service } from "../../types.ts";
import { define, keep } from "../define.ts";
import { proxyOf, statusOf } from "../subresources.ts";
import { serviceColumns } from "./columns.ts";

export const service: ResourceDefinition<Service> = define<Service>({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  model: "V1Service",
  nameRule: "dns1035label",
  allowCreateOnUpdate: true,
  subresources: [proxyOf("ServiceProxyOptions"), statusOf("Service")],
  prepareForCreate(s) {
    s.status = { loadBalancer: {} };
  },
  prepareForUpdate(s, old) {
    keep(s, old, "status");
  },
  prepareForStatusUpdate(s, old) {
    keep(s, old, "spec");
  },
  columns: serviceColumns,
  fields: {
    "spec.clusterIP": (s) => s.spec?.clusterIP ?? "",
    "spec.type": (s) => s.spec?.type ?? "",
  },
});
