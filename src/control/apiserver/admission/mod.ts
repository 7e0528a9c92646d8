// What changes or refuses a write beside the kinds' own rules, in the order in which Kubernetes runs it.
import type { AdmissionPlugin } from "../context.ts";
import { deviceAdminAccess } from "./device-admin-access.ts";
import { ingressClass } from "./ingress-class.ts";
import { limitRanges } from "./limit-ranges.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { oneDefaultPriority, podPriority } from "./pod-priority.ts";
import { podRuntimeClass } from "./pod-runtime-class.ts";
import { podServiceAccount } from "./pod-service-account.ts";
import { podTolerations } from "./pod-tolerations.ts";
import { serviceWarnings } from "./service-warnings.ts";
import { defaultStorageClass, storageProtection } from "./storage.ts";

export { denyExternalIPs } from "./external-ips.ts";

export const admissionPlugins: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  limitRanges,
  podServiceAccount,
  podPriority,
  oneDefaultPriority,
  podTolerations,
  podRuntimeClass,
  serviceWarnings,
  storageProtection,
  defaultStorageClass,
  ingressClass,
  deviceAdminAccess,
];
