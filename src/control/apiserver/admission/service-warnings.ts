// Tells whoever writes a Service what is wrong with it (core/advice): reads what is in the store around it, within bounds.
import {
  addressesOf,
  adviseService,
  type Candidate,
  findingsToTell,
  matchesLabels,
  type ProbeFailure,
  type Surroundings,
} from "../../../core/advice/mod.ts";
import { initIPFamilies, normalizeServiceClusterIPs, semanticEqual } from "../../../core/api/kinds/mod.ts";
import type {
  CoreEvent,
  EndpointSlice,
  KubeObject,
  Node,
  Pod,
  PodSpec,
  Service,
} from "../../../core/api/types.ts";
import type { AdmissionPlugin, ApiCore } from "../context.ts";
import { storedObject } from "../stored-object.ts";

/** With more of one kind in the namespace nothing is said: a write must not pay for reading them all. */
const most = 100;
/** With more pods or Services in the cluster, other namespaces and shared addresses are not looked at. */
const mostInCluster = 500;
const templated = [
  "apps/deployments",
  "apps/statefulsets",
  "apps/daemonsets",
  "apps/replicasets",
  "core/replicationcontrollers",
];

interface Templated extends KubeObject {
  spec?: { template?: { metadata?: { labels?: Record<string, string> }; spec?: PodSpec } };
}

/** Undefined when there are more. */
function read<T extends KubeObject>(core: ApiCore, prefix: string, limit: number): T[] | undefined {
  const found = core.store.range(`/registry/${prefix}`, { limit: limit + 1 });
  return found.length > limit ? undefined : found.map((kv) => storedObject(kv) as T);
}

/** The pods, and what pods are made from. */
function candidatesIn(namespace: string, core: ApiCore): (Candidate & { pod?: Pod })[] | undefined {
  const pods = read<Pod>(core, `core/pods/${namespace}/`, most);
  const makers = templated.map((kind) => read<Templated>(core, `${kind}/${namespace}/`, most));
  if (!pods || makers.includes(undefined)) return undefined;
  return [
    ...pods.map((pod) => ({
      kind: "pod" as const,
      labels: pod.metadata.labels ?? {},
      spec: pod.spec,
      pod,
    })),
    ...makers
      .flatMap((objects) => objects ?? [])
      .map(({ spec }) => ({
        kind: "template" as const,
        labels: spec?.template?.metadata?.labels ?? {},
        spec: spec?.template?.spec,
      })),
  ];
}

function elsewhere(service: Service, core: ApiCore): Surroundings["elsewhere"] {
  const counts = new Map<string, number>();
  for (const pod of read<Pod>(core, "core/pods/", mostInCluster) ?? []) {
    const { namespace = "", labels = {} } = pod.metadata;
    if (namespace === service.metadata.namespace || !matchesLabels(service.spec?.selector ?? {}, labels))
      continue;
    counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  return [...counts].map(([namespace, pods]) => ({ namespace, pods }));
}

/** Events of a pod are kept under its name, then a dot. */
const probeFailures =
  (core: ApiCore): ProbeFailure =>
  (pod, container) => {
    const { namespace, name, uid } = pod.metadata;
    const events = read<CoreEvent>(core, `core/events/${namespace}/${name}.`, most) ?? [];
    return events
      .filter((e) => e.reason === "Unhealthy" && e.involvedObject.uid === uid)
      .filter(
        (e) => e.involvedObject.fieldPath?.endsWith(`{${container}}`) && !/^Liveness/.test(e.message ?? ""),
      )
      .sort((a, b) => ((a.lastTimestamp ?? "") < (b.lastTimestamp ?? "") ? 1 : -1))[0]?.message;
  };

const isNodeReady = (n: Node): boolean =>
  n.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

export const serviceWarnings: AdmissionPlugin = (request, core) => {
  const { def, namespace, name, object, old, subresource, context } = request;
  if (def.group !== "" || def.plural !== "services" || subresource !== "" || !object || !namespace) return;
  if (semanticEqual((object as Service).spec, (old as Service | undefined)?.spec)) return;
  const { spec } = object as Service;
  const service: Service = { ...object, metadata: { ...object.metadata, namespace }, spec: { ...spec } };
  // Its families are settled only after admission; if they cannot be, the write is refused.
  normalizeServiceClusterIPs(service, old as Service | undefined);
  initIPFamilies(service, old as Service | undefined, core.ipFamilies);
  const selector = service.spec?.selector ?? {};
  const candidates = candidatesIn(namespace, core);
  if (!candidates) return;
  const selected =
    Object.keys(selector).length === 0 ? [] : candidates.filter((c) => matchesLabels(selector, c.labels));
  const asks = (service.spec?.externalIPs?.length ?? 0) > 0 || service.spec?.loadBalancerIP;
  const mine = new Set(asks ? addressesOf(service) : []);
  const findings = adviseService({
    service,
    pods: selected.flatMap((c) => (c.pod && !c.pod.metadata.deletionTimestamp ? [c.pod] : [])),
    templates: selected.flatMap((c) => (c.kind === "template" && c.spec ? [c.spec] : [])),
    slices: old
      ? (read<EndpointSlice>(core, `discovery.k8s.io/endpointslices/${namespace}/${name}-`, most) ?? [])
      : [],
    sharing: asks
      ? (read<Service>(core, "core/services/", mostInCluster) ?? []).filter((s) =>
          addressesOf(s).some((a) => mine.has(a)),
        )
      : [],
    nodes: (read<Node>(core, "core/nodes/", most) ?? []).filter(isNodeReady).map((n) => n.metadata.name!),
    hosts: core.hosts,
    probeFailure: probeFailures(core),
    surroundings: () => ({ candidates, elsewhere: elsewhere(service, core) }),
  });
  const populated = candidates.length > 0;
  const { fieldManager } = context;
  for (const { message } of findingsToTell(findings, { populated, fieldManager })) context.warn(message);
};
