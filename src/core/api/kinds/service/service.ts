// v1 Service (kubernetes pkg/registry/core/service).
import type { ResourceDefinition } from "../../resource.ts";
import type { Service } from "../../types.ts";
import { define, keep } from "../define.ts";
import { proxyOf, statusOf } from "../subresources.ts";
import {
  dropInternalTrafficPolicy,
  dropTypeDependentFields,
  normalizeServiceClusterIPs,
  patchAllocatedValues,
} from "./allocated-values.ts";
import { serviceColumns } from "./columns.ts";
import { takeBackConditions } from "./conditions.ts";
import { setServiceDefaults } from "./defaults.ts";
import { initIPFamilies } from "./ip-families.ts";
import { validateServiceCreate, validateServiceStatus, validateServiceUpdate } from "./validate.ts";
import { serviceStatusWarnings, serviceWarnings } from "./warnings.ts";

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
  nameRule: "dns1123label",
  allowCreateOnUpdate: true,
  subresources: [proxyOf("ServiceProxyOptions"), statusOf("Service")],
  setDefaults: setServiceDefaults,
  prepareForCreate(s, { ipFamilies }) {
    s.status = { loadBalancer: {} };
    normalizeServiceClusterIPs(s, undefined);
    initIPFamilies(s, undefined, ipFamilies);
    dropInternalTrafficPolicy(s);
  },
  prepareForUpdate(s, old, { ipFamilies, now }) {
    keep(s, old, "status");
    patchAllocatedValues(s, old);
    normalizeServiceClusterIPs(s, old);
    dropTypeDependentFields(s, old);
    initIPFamilies(s, old, ipFamilies);
    dropInternalTrafficPolicy(s);
    takeBackConditions(s, old, now);
  },
  prepareForStatusUpdate(s, old, { now }) {
    keep(s, old, "spec");
    takeBackConditions(s, old, now);
  },
  validate: validateServiceCreate,
  validateUpdate: validateServiceUpdate,
  validateStatusUpdate: validateServiceStatus,
  warnings: serviceWarnings,
  statusWarnings: serviceStatusWarnings,
  columns: serviceColumns,
  fields: {
    "spec.clusterIP": (s) => s.spec?.clusterIP ?? "",
    "spec.type": (s) => s.spec?.type ?? "",
  },
});
