// Defaults of pods and pod templates (kubernetes pkg/apis/core/v1/defaults.go).
import { printQuantity } from "../../quantity/mod.ts";
import type { Container, LifecycleHandler, Pod, PodSpec, Probe } from "../../types.ts";
import { defaultPullPolicy } from "./image-pull-policy.ts";
import { aggregateResources, canonicalize, type ResourceList } from "./resource-list.ts";
import { setFieldRefDefaults, setVolumeDefaults } from "./volume-defaults.ts";

function setHandlerDefaults(h: LifecycleHandler | Probe | null | undefined): void {
  if (!h?.httpGet) return;
  h.httpGet.path ||= "/";
  h.httpGet.scheme ||= "HTTP";
}

function setProbeDefaults(p: Probe | null | undefined): void {
  if (!p) return;
  p.timeoutSeconds ||= 1;
  p.periodSeconds ||= 10;
  p.successThreshold ||= 1;
  p.failureThreshold ||= 3;
  setHandlerDefaults(p);
  if (p.grpc) p.grpc.service ??= "";
}

function setContainerDefaults(c: Container): void {
  c.imagePullPolicy ||= defaultPullPolicy(c.image);
  c.terminationMessagePath ||= "/dev/termination-log";
  c.terminationMessagePolicy ||= "File";
  // A struct in Go: written even when it is empty.
  c.resources ??= {};
  canonicalize(c.resources.limits);
  canonicalize(c.resources.requests);
  for (const p of c.ports ?? []) p.protocol ||= "TCP";
  for (const e of c.env ?? []) if (e.valueFrom) setFieldRefDefaults(e.valueFrom);
  setProbeDefaults(c.livenessProbe);
  setProbeDefaults(c.readinessProbe);
  setProbeDefaults(c.startupProbe);
  setHandlerDefaults(c.lifecycle?.postStart);
  setHandlerDefaults(c.lifecycle?.preStop);
}

/** `serviceAccount` is the old name of `serviceAccountName`: both are always written. */
export function syncServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

/** Defaults that templates get too. */
export function setPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
  syncServiceAccount(spec);
  for (const v of spec.volumes ?? []) setVolumeDefaults(v);
  for (const c of spec.initContainers ?? []) setContainerDefaults(c);
  for (const c of spec.containers ?? []) setContainerDefaults(c);
  for (const c of spec.ephemeralContainers ?? []) setContainerDefaults(c as Container);
  canonicalize(spec.overhead);
  canonicalize(spec.resources?.limits);
  canonicalize(spec.resources?.requests);
}

/** What is limited but not requested is requested. */
function setRequests(c: Container): void {
  const limits = c.resources?.limits;
  if (limits) c.resources!.requests = { ...limits, ...c.resources!.requests };
}

const podLevel = (name: string): boolean =>
  name === "cpu" || name === "memory" || name.startsWith("hugepages-");

/** Pod-level resources that are half said (KEP-2837). */
function setPodLevelResources(spec: PodSpec): void {
  const resources = spec.resources;
  if (!resources) return;
  if (Object.keys(resources.limits ?? {}).length > 0) {
    const requests: ResourceList = { ...resources.requests };
    for (const [name, q] of aggregateResources(spec, "requests"))
      if (name === "cpu" || name === "memory") requests[name] ??= printQuantity(q);
    for (const [name, limit] of Object.entries(resources.limits!))
      if (podLevel(name)) requests[name] ??= limit;
    if (Object.keys(requests).length > 0) resources.requests = requests;
  }
}

/** Every default of a Pod; those of its spec that templates do not get come after the shared ones. */
export function setPodDefaults(pod: Pod): void {
  const spec = pod.spec;
  if (!spec) return;
  setPodSpecDefaults(spec);
  // Of a pod itself, not of a template: what came is taken for 1 (core/v1 conversion).
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const c of all) setRequests(c);
  setPodLevelResources(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) for (const c of all) for (const p of c.ports ?? []) p.hostPort ||= p.containerPort;
}
