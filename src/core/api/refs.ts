// Typed references to the served resources: what a client needs to build a path and what TypeScript needs to type the answer.
import type * as t from "./types.ts";

/** Names a resource (`group/version/plural`); the type parameter is the kind it holds. */
export interface ResourceRef<T extends t.KubeObject = t.KubeObject> {
  /** API group, "" for core. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural, as in the URL. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly _type?: T;
}

function ref<T extends t.KubeObject>(
  apiVersion: string,
  resource: string,
  kind: string,
  namespaced = true,
): ResourceRef<T> {
  const [version, group = ""] = apiVersion.split("/").reverse() as [string, string?];
  return { group, version, resource, kind, namespaced };
}

export const namespaces = ref<t.Namespace>("v1", "namespaces", "Namespace", false);
export const nodes = ref<t.Node>("v1", "nodes", "Node", false);
export const pods = ref<t.Pod>("v1", "pods", "Pod");
export const services = ref<t.Service>("v1", "services", "Service");
export const endpoints = ref<t.Endpoints>("v1", "endpoints", "Endpoints");
export const configMaps = ref<t.ConfigMap>("v1", "configmaps", "ConfigMap");
export const secrets = ref<t.Secret>("v1", "secrets", "Secret");
export const serviceAccounts = ref<t.ServiceAccount>("v1", "serviceaccounts", "ServiceAccount");
export const persistentVolumeClaims = ref<t.PersistentVolumeClaim>(
  "v1",
  "persistentvolumeclaims",
  "PersistentVolumeClaim",
);
export const priorityClasses = ref<t.PriorityClass>(
  "scheduling.k8s.io/v1",
  "priorityclasses",
  "PriorityClass",
  false,
);
export const limitRanges = ref<t.LimitRange>("v1", "limitranges", "LimitRange");
export const resourceQuotas = ref<t.ResourceQuota>("v1", "resourcequotas", "ResourceQuota");
export const persistentVolumes = ref<t.PersistentVolume>(
  "v1",
  "persistentvolumes",
  "PersistentVolume",
  false,
);
export const storageClasses = ref<t.StorageClass>(
  "storage.k8s.io/v1",
  "storageclasses",
  "StorageClass",
  false,
);
export const ingresses = ref<t.Ingress>("networking.k8s.io/v1", "ingresses", "Ingress");
export const events = ref<t.CoreEvent>("v1", "events", "Event");
export const replicationControllers = ref<t.ReplicationController>(
  "v1",
  "replicationcontrollers",
  "ReplicationController",
);
export const deployments = ref<t.Deployment>("apps/v1", "deployments", "Deployment");
export const replicaSets = ref<t.ReplicaSet>("apps/v1", "replicasets", "ReplicaSet");
export const controllerRevisions = ref<t.ControllerRevision>(
  "apps/v1",
  "controllerrevisions",
  "ControllerRevision",
);
export const daemonSets = ref<t.DaemonSet>("apps/v1", "daemonsets", "DaemonSet");
export const statefulSets = ref<t.StatefulSet>("apps/v1", "statefulsets", "StatefulSet");
export const jobs = ref<t.Job>("batch/v1", "jobs", "Job");
export const cronJobs = ref<t.CronJob>("batch/v1", "cronjobs", "CronJob");
export const podDisruptionBudgets = ref<t.PodDisruptionBudget>(
  "policy/v1",
  "poddisruptionbudgets",
  "PodDisruptionBudget",
);
export const endpointSlices = ref<t.EndpointSlice>("discovery.k8s.io/v1", "endpointslices", "EndpointSlice");
export const ipAddresses = ref<t.IPAddress>("networking.k8s.io/v1", "ipaddresses", "IPAddress", false);
export const serviceCIDRs = ref<t.ServiceCIDR>("networking.k8s.io/v1", "servicecidrs", "ServiceCIDR", false);
export const runtimeClasses = ref<t.RuntimeClass>("node.k8s.io/v1", "runtimeclasses", "RuntimeClass", false);
export const resourceClaims = ref<t.ResourceClaim>("resource.k8s.io/v1", "resourceclaims", "ResourceClaim");
export const leases = ref<t.Lease>("coordination.k8s.io/v1", "leases", "Lease");

/** `v1` or `apps/v1`. */
export function apiVersionOf(r: Pick<ResourceRef, "group" | "version">): string {
  return r.group === "" ? r.version : `${r.group}/${r.version}`;
}

/** The URL path of a collection or, with a name, of one object (API concepts, "Resource URIs"). */
export function resourcePath(
  r: Pick<ResourceRef, "group" | "version" | "resource" | "namespaced">,
  at: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined } = {},
): string {
  const root = r.group === "" ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`;
  const scope = r.namespaced && at.namespace ? `/namespaces/${encodeURIComponent(at.namespace)}` : "";
  const name = at.name ? `/${encodeURIComponent(at.name)}` : "";
  const sub = at.subresource ? `/${at.subresource}` : "";
  return `${root}${scope}/${r.resource}${name}${sub}`;
}
