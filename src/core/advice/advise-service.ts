// Everything that can be said of one Service, the worst first.
import type { EndpointSlice, Pod, PodSpec, Service } from "../api/types.ts";
import { parseIP } from "../net/mod.ts";
import { addressFindings } from "./addresses.ts";
import type { Finding } from "./finding.ts";
import { noPodsSelected, type Surroundings } from "./no-pods.ts";
import { noReadyPods } from "./no-ready-pods.ts";
import type { ProbeFailure } from "./pod-trouble.ts";
import { localPolicyFindings, sourceRangeFindings } from "./reach.ts";
import { targetPortFindings } from "./target-ports.ts";

export interface AdviceInput {
  readonly service: Service;
  /** Pods that it selects. */
  readonly pods: readonly Pod[];
  /** Of pod templates that it selects: pods will come from them. */
  readonly templates: readonly PodSpec[];
  readonly slices: readonly EndpointSlice[];
  /** Services that have an address in common with it. */
  readonly sharing: readonly Service[];
  /** Names of the nodes that are ready. */
  readonly nodes: readonly string[];
  /** The addresses from which the cluster's machine comes, one a family; none: nothing is said of it. */
  readonly hosts: readonly string[];
  readonly probeFailure: ProbeFailure;
  /** Asked only when it selects no pod; undefined: it is not known, so nothing is said. */
  surroundings(): Surroundings | undefined;
}

const hasReadyEndpoint = (slices: readonly EndpointSlice[]): boolean =>
  slices.some((s) => s.endpoints?.some((e) => e.conditions?.ready !== false));

const weight = { error: 0, starting: 1, advice: 2 } as const;

/** Who writes the endpoints by hand may have written those of one family only. */
function withoutSelector(service: Service, slices: readonly EndpointSlice[]): Finding[] {
  const families = service.spec?.ipFamilies ?? ["IPv4"];
  const lacking = families.filter((f) => !hasReadyEndpoint(slices.filter((s) => s.addressType === f)));
  if (lacking.length === families.length) {
    const message = "it has no selector, and no EndpointSlice of it has a ready endpoint";
    return [{ reason: "NoEndpoints", severity: "error", message }];
  }
  // Headless, it has both families by default, and a name that is answered with one of them is answered.
  if (lacking.length === 0 || service.spec?.clusterIP === "None") return [];
  const message = `it has no selector, and no EndpointSlice of addressType ${lacking[0]} has a ready endpoint: ${service.spec?.clusterIPs?.[families.indexOf(lacking[0]!)]} refuses connections`;
  return [{ reason: "NoEndpoints", severity: "advice", message }];
}

function endpointFindings(input: AdviceInput): Finding[] {
  const { service, pods, templates, slices } = input;
  if (Object.keys(service.spec?.selector ?? {}).length === 0) {
    return withoutSelector(service, slices);
  }
  const specs = [...pods.flatMap((p) => (p.spec ? [p.spec] : [])), ...templates];
  const ports = targetPortFindings(service, specs);
  if (pods.length > 0) return [...ports, ...noReadyPods(service, pods, input.probeFailure)];
  if (templates.length > 0) {
    const message = "no selected pod is there yet; a pod template has its labels";
    return [...ports, { reason: "PodsStarting", severity: "starting", message }];
  }
  const around = input.surroundings();
  return around ? [noPodsSelected(service, around)] : [];
}

/** Findings in the order in which they matter; none for a Service that is as it should be. */
export function adviseService(input: AdviceInput): Finding[] {
  const { service } = input;
  if (service.spec?.type === "ExternalName") {
    const name = service.spec.externalName ?? "";
    if (!parseIP(name)) return [];
    const message = `spec.externalName: ${name} is an address, and a CNAME needs a name; use a Service without selector and an EndpointSlice`;
    return [{ reason: "ExternalNameIsAddress", severity: "error", message }];
  }
  const all = [
    ...endpointFindings(input),
    ...addressFindings(service, input.sharing),
    ...localPolicyFindings(service, input.slices, input.nodes),
    ...sourceRangeFindings(service, input.hosts),
  ];
  return all.sort((a, b) => weight[a.severity] - weight[b.severity]);
}
