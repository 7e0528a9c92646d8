// The door of core/api/kinds: every served kind, one definition each.
import type { ResourceDefinition } from "../resource.ts";
import type { KubeObject } from "../types.ts";
import { componentStatus } from "./component-status.ts";
import { configMap } from "./config-map.ts";
import { deviceClass, resourceClaim, resourceClaimTemplate, resourceSlice } from "./devices/mod.ts";
import { endpointSlice } from "./endpoint-slice.ts";
import { endpoints } from "./endpoints.ts";
import { coreEvent, eventsV1Event } from "./event/mod.ts";
import { ingress, ingressClass } from "./ingress/mod.ts";
import { lease } from "./lease.ts";
import { limitRange } from "./limit-range.ts";
import { namespace } from "./namespace.ts";
import { ipAddress, serviceCIDR } from "./networking/mod.ts";
import { node } from "./node.ts";
import { pod } from "./pod/mod.ts";
import { podDisruptionBudget } from "./pod-disruption-budget.ts";
import { priorityClass } from "./priority-class.ts";
import { resourceQuota } from "./resource-quota.ts";
import { runtimeClass } from "./runtime-class.ts";
import { secret } from "./secret.ts";
import { service } from "./service/mod.ts";
import { serviceAccount } from "./service-account.ts";
import { persistentVolume, persistentVolumeClaim, storageClass } from "./storage/mod.ts";
import {
  controllerRevision,
  cronJob,
  daemonSet,
  deployment,
  job,
  podTemplate,
  replicaSet,
  replicationController,
  statefulSet,
} from "./workload/mod.ts";

/** Every kind that the API server serves. */
export const definitions: readonly ResourceDefinition<KubeObject>[] = [
  namespace,
  node,
  pod,
  service,
  endpoints,
  componentStatus,
  configMap,
  secret,
  serviceAccount,
  coreEvent,
  podTemplate,
  persistentVolumeClaim,
  persistentVolume,
  resourceQuota,
  limitRange,
  replicationController,
  deployment,
  replicaSet,
  statefulSet,
  daemonSet,
  controllerRevision,
  job,
  cronJob,
  podDisruptionBudget,
  endpointSlice,
  lease,
  ingress,
  ingressClass,
  storageClass,
  priorityClass,
  eventsV1Event,
  ipAddress,
  serviceCIDR,
  runtimeClass,
  deviceClass,
  resourceClaim,
  resourceClaimTemplate,
  resourceSlice,
];

export { componentStatusOf } from "./component-status.ts";
export { isDefaultIngressClass } from "./ingress/mod.ts";
export { semanticEqual } from "./meta/mod.ts";
export { validateNamespaceFinalizers } from "./namespace.ts";
export {
  aggregateResources,
  prepareEphemeralContainersUpdate,
  prepareResize,
  validateEphemeralContainersUpdate,
  validateResize,
} from "./pod/mod.ts";
export { systemPriorityClasses } from "./priority-class.ts";
export * from "./service/mod.ts";
export { isDefaultStorageClass } from "./storage/mod.ts";
export { age, ageColumn, column, humanDuration, nameColumn } from "./table/mod.ts";
export { nextCronTime, parseCronSchedule } from "./workload/mod.ts";
