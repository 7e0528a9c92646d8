// Which nodes can take a pod, and why the others cannot, in the order and words of the default scheduler's filter plugins.
import type { Node, Pod } from "../../core/api/types.ts";
import { hostPortsConflict, nodeIsSelected, tolerates, untoleratedTaint } from "../../core/scheduling/mod.ts";
import type { ClusterView } from "./cluster-view.ts";
import { claimsDevices } from "./device-claims.ts";
import { type AffinityFacts, gatherAffinity, refusedByAffinity } from "./inter-pod-affinity.ts";
import type { NodeInfo } from "./node-info.ts";
import { type PodRequests, podRequests } from "./pod-requests.ts";
import { gatherSpread, refusedBySpread } from "./topology-spread.ts";

/** Why a node cannot take a pod. `lasting`: no other pod's going would help. */
export interface Refusal {
  reasons: string[];
  lasting: boolean;
}

export interface Filtered {
  feasible: NodeInfo[];
  refused: Map<string, Refusal>;
}

const lasting = (...reasons: string[]): Refusal => ({ reasons, lasting: true });
const passing = (...reasons: string[]): Refusal => ({ reasons, lasting: false });

function refusedByResources(requests: PodRequests, info: NodeInfo): Refusal | undefined {
  const reasons: string[] = [];
  let never = false;
  const slots = info.allocatable.get("pods") ?? 0;
  if (info.pods.size + 1 > slots) reasons.push("Too many pods");
  for (const [resource, wanted] of requests.resources) {
    if (wanted === 0) continue;
    const there = info.allocatable.get(resource) ?? 0;
    if (wanted <= there - (info.requested.get(resource) ?? 0)) continue;
    reasons.push(`Insufficient ${resource}`);
    if (wanted > there) never = true;
  }
  return reasons.length === 0 ? undefined : { reasons, lasting: never };
}

function refusedByPorts(requests: PodRequests, info: NodeInfo): boolean {
  if (requests.hostPorts.length === 0) return false;
  for (const { requests: other } of info.pods.values())
    for (const used of other.hostPorts)
      if (requests.hostPorts.some((wanted) => hostPortsConflict(wanted, used))) return true;
  return false;
}

const affinityReasons = {
  affinity: lasting("node(s) didn't match pod affinity rules"),
  "anti-affinity": passing("node(s) didn't match pod anti-affinity rules"),
  "existing anti-affinity": passing("node(s) didn't satisfy existing pods anti-affinity rules"),
};
const spreadReasons = {
  label: lasting("node(s) didn't match pod topology spread constraints (missing required label)"),
  skew: passing("node(s) didn't match pod topology spread constraints"),
};

interface Facts {
  requests: PodRequests;
  affinity: AffinityFacts;
  spread: ReturnType<typeof gatherSpread>;
  /** Why the pod's volumes cannot be had on a node. */
  volumes(node: Node): string | undefined;
}

function refusal(pod: Pod, info: NodeInfo, facts: Facts): Refusal | undefined {
  const node = info.node!;
  const cordon = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
  if (node.spec?.unschedulable && !(pod.spec?.tolerations ?? []).some((t) => tolerates(t, cordon)))
    return lasting("node(s) were unschedulable");
  const taint = untoleratedTaint(pod, node.spec?.taints, ["NoSchedule", "NoExecute"]);
  if (taint) return lasting(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`);
  if (!nodeIsSelected(pod, node)) return lasting("node(s) didn't match Pod's node affinity/selector");
  if (refusedByPorts(facts.requests, info))
    return passing("node(s) didn't have free ports for the requested pod ports");
  const short = refusedByResources(facts.requests, info);
  if (short) return short;
  const volumes = facts.volumes(node);
  if (volumes !== undefined) return lasting(volumes);
  const spread = refusedBySpread(facts.spread, info);
  if (spread) return spreadReasons[spread];
  const affinity = refusedByAffinity(facts.affinity, info);
  if (affinity) return affinityReasons[affinity];
  // Nothing here gives devices to claims, and no node could hand them to a pod.
  return claimsDevices(pod) ? lasting("cannot allocate all claims") : undefined;
}

export function filterNodes(pod: Pod, view: ClusterView, volumes: Facts["volumes"]): Filtered {
  const facts: Facts = {
    requests: podRequests(pod),
    affinity: gatherAffinity(pod, view),
    spread: gatherSpread(pod, view, "DoNotSchedule"),
    volumes,
  };
  const filtered: Filtered = { feasible: [], refused: new Map() };
  for (const info of view.nodes()) {
    const refused = refusal(pod, info, facts);
    if (refused) filtered.refused.set(info.name, refused);
    else filtered.feasible.push(info);
  }
  return filtered;
}
