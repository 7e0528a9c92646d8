// One pod, the cluster as it is: the node to bind it to, or the message that says why there is none.
import type { Pod } from "../../core/api/types.ts";
import {
  type ClaimWrite,
  claimDemands,
  claimWrites,
  noStorage,
  refusedByVolumes,
  type StorageView,
} from "./claims.ts";
import type { ClusterView } from "./cluster-view.ts";
import { claimsDevices, type DeviceClaimOf, missingDeviceClaim } from "./device-claims.ts";
import { type Filtered, filterNodes } from "./filter.ts";
import { bestNode } from "./score.ts";

export type Decision =
  /** `claims` are to be written, and bound, before the pod is. */
  | { kind: "bind"; node: string; claims: ClaimWrite[] }
  /** The message of condition PodScheduled and of event FailedScheduling. */
  | { kind: "unschedulable"; message: string };

/** `1 Insufficient cpu, 2 node(s) were unschedulable`. */
function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const r of reasons) counts.set(r, (counts.get(r) ?? 0) + 1);
  return [...counts]
    .map(([r, n]) => `${n} ${r}`)
    .sort()
    .join(", ");
}

function fitError(nodes: number, sentence: string): string {
  return `0/${nodes} nodes are available: ${sentence}.`;
}

/** What the plugins that make room say in turn: the one for claims of devices, then preemption. */
function postFilterMessage(pod: Pod, { refused }: Filtered, nodes: number): string {
  const devices = claimsDevices(pod) ? "still not schedulable" : "no new claims to deallocate";
  if (pod.spec?.preemptionPolicy === "Never")
    return `${devices}, preemption: not eligible due to preemptionPolicy=Never.`;
  const reasons = [...refused.values()].map((r) =>
    r.lasting ? "Preemption is not helpful for scheduling" : "No preemption victims found for incoming pod",
  );
  return `${devices}, preemption: ${fitError(nodes, histogram(reasons))}`;
}

export interface ScheduleOptions {
  /** 0…1, picks among equally good nodes. */
  random(): number;
  storage?: StorageView;
  deviceClaim?: DeviceClaimOf;
}

export function schedulePod(pod: Pod, view: ClusterView, options: ScheduleOptions): Decision {
  const { random, storage = noStorage, deviceClaim = () => undefined } = options;
  const total = view.nodes().length;
  if (total === 0) return { kind: "unschedulable", message: "no nodes available to schedule pods" };
  const demands = claimDemands(pod, storage);
  const unhelpful = `preemption: ${fitError(total, `${total} Preemption is not helpful for scheduling`)}`;
  if (typeof demands === "string")
    return { kind: "unschedulable", message: `${fitError(total, demands)} ${unhelpful}` };
  const missing = missingDeviceClaim(pod, deviceClaim);
  if (missing !== undefined)
    return {
      kind: "unschedulable",
      message: `${fitError(total, missing)} no new claims to deallocate, ${unhelpful}`,
    };
  const filtered = filterNodes(pod, view, (node) => refusedByVolumes(demands, storage, node));
  const best = bestNode(pod, filtered.feasible, { view, random });
  if (best) return { kind: "bind", node: best.name, claims: claimWrites(demands, storage, best.node!) };
  const why = histogram([...filtered.refused.values()].flatMap((r) => r.reasons));
  return {
    kind: "unschedulable",
    message: `${fitError(total, why)} ${postFilterMessage(pod, filtered, total)}`,
  };
}
