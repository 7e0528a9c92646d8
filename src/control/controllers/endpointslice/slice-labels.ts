// The labels of the slices that belong to a Service: its own, and those by which slices are found.
import type { Service } from "../../../core/api/types.ts";
import { isHeadless } from "../service-pods/mod.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const headlessLabel = "service.kubernetes.io/headless";
export const managedBy = "endpointslice-controller.k8s.io";

export function sliceLabels(service: Service): Record<string, string> {
  const labels: Record<string, string> = {};
  const reserved = [serviceNameLabel, managedByLabel, headlessLabel];
  for (const [k, v] of Object.entries(service.metadata.labels ?? {}))
    if (!reserved.includes(k)) labels[k] = v;
  if (isHeadless(service)) labels[headlessLabel] = "";
  labels[serviceNameLabel] = service.metadata.name!;
  labels[managedByLabel] = managedBy;
  return labels;
}
