// How far a node's kernel is: the revisions of Services and EndpointSlices up to which its table follows the API. Each node's
// proxy keeps it as an annotation on a Lease of its own; whoever wants to know whether a change has arrived compares revisions.
import { jsonEqual } from "../api/patch/mod.ts";
import type { KubeObject, Lease, Service } from "../api/types.ts";

export interface Progress {
  /** Every change of a Service up to this revision is in the kernel. */
  readonly services: number;
  /** The same of EndpointSlices. */
  readonly slices: number;
}

export const progressNamespace = "kube-system";
const prefix = "portolan-proxy-";
const annotation = "portolan.dev/programmed";

export const progressLeaseName = (nodeName: string): string => `${prefix}${nodeName}`;

/** The node whose progress that Lease tells; undefined for any other Lease. */
export function nodeOfProgress(lease: Lease): string | undefined {
  const { name = "", namespace } = lease.metadata;
  return namespace === progressNamespace && name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

export const printProgress = (p: Progress): Record<string, string> => ({
  [annotation]: `services=${p.services},endpointslices=${p.slices}`,
});

/** What the annotations say; undefined when they say nothing that can be understood. */
export function parseProgress(
  annotations: Readonly<Record<string, string>> | undefined,
): Progress | undefined {
  const text = annotations && Object.hasOwn(annotations, annotation) ? annotations[annotation]! : "";
  const found = /^services=(\d{1,15}),endpointslices=(\d{1,15})$/.exec(text);
  return found ? { services: Number(found[1]), slices: Number(found[2]) } : undefined;
}

/** The least of them. */
export const slowest = (all: readonly Progress[]): Progress => ({
  services: Math.min(...all.map((p) => p.services)),
  slices: Math.min(...all.map((p) => p.slices)),
});

const hiding = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"];

/** A label hides the Service, or the slice, from the nodes' proxies: another one is to serve it, or none. */
export const isUnproxied = ({ metadata: { labels = {} } }: KubeObject): boolean =>
  hiding.some((label) => Object.hasOwn(labels, label));

/** Whether both versions of a Service mean the same to every proxy: what differs is not what it reads. */
export const isSameToProxies = (a: Service, b: Service): boolean =>
  jsonEqual(a.spec, b.spec) &&
  jsonEqual(a.status?.loadBalancer ?? {}, b.status?.loadBalancer ?? {}) &&
  isUnproxied(a) === isUnproxied(b);
