// Which of the possible nodes is best: room, balance, what the pod prefers, and company to keep or avoid (the default
// scheduler's score plugins and their weights).
import type { Pod } from "../../core/api/types.ts";
import { nodeTermMatches, untoleratedTaint } from "../../core/scheduling/mod.ts";
import type { ClusterView } from "./cluster-view.ts";
import { preferredAffinity } from "./inter-pod-affinity.ts";
import type { NodeInfo } from "./node-info.ts";
import { podRequests } from "./pod-requests.ts";
import { crowding, gatherSpread } from "./topology-spread.ts";

type Scores = Map<NodeInfo, number>;

/** Stretches raw numbers to 0…100; `lower` is better when asked for. All equal: all get the best. */
function normalize(raw: Scores, lower = false): Scores {
  const values = [...raw.values()];
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const out: Scores = new Map();
  for (const [info, v] of raw) {
    const share = max === min ? (lower ? 0 : 1) : (v - min) / (max - min);
    out.set(info, 100 * (lower ? 1 - share : share));
  }
  return out;
}

/** Least allocated, and cpu and memory used alike. */
function roomScores(pod: Pod, nodes: readonly NodeInfo[]): { room: Scores; balance: Scores } {
  const { scored } = podRequests(pod);
  const room: Scores = new Map();
  const balance: Scores = new Map();
  for (const info of nodes) {
    const used = (["cpu", "memory"] as const).map((r) => {
      const total = info.allocatable.get(r) ?? 0;
      return total === 0 ? 1 : Math.min(1, (info.scored[r] + scored[r]) / total);
    });
    const [cpu, memory] = used as [number, number];
    room.set(info, 100 * (1 - (cpu + memory) / 2));
    balance.set(info, 100 * (1 - Math.abs(cpu - memory) / 2));
  }
  return { room, balance };
}

function preferredNodeScores(pod: Pod, nodes: readonly NodeInfo[]): Scores {
  const terms = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const raw: Scores = new Map();
  for (const info of nodes) {
    let sum = 0;
    for (const t of terms) if (nodeTermMatches(t.preference, info.node!)) sum += t.weight;
    raw.set(info, sum);
  }
  return normalize(raw);
}

function untaintedScores(pod: Pod, nodes: readonly NodeInfo[]): Scores {
  const raw: Scores = new Map();
  for (const info of nodes) {
    const taints = (info.node!.spec?.taints ?? []).filter((t) =>
      untoleratedTaint(pod, [t], ["PreferNoSchedule"]),
    );
    raw.set(info, taints.length);
  }
  return normalize(raw, true);
}

/** Soft spread constraints; without any, pods of one controller keep apart. */
function spreadScores(pod: Pod, view: ClusterView, nodes: readonly NodeInfo[]): Scores {
  const raw: Scores = new Map();
  const soft = gatherSpread(pod, view, "ScheduleAnyway");
  const controller = pod.metadata.ownerReferences?.find((r) => r.controller)?.uid;
  for (const info of nodes) {
    let n = crowding(soft, info);
    if (soft.length === 0 && controller)
      for (const { pod: other } of info.pods.values())
        if (other.metadata.ownerReferences?.some((r) => r.uid === controller)) n++;
    raw.set(info, n);
  }
  return normalize(raw, true);
}

/** The best node; among equals `random` (0…1) picks. */
export function bestNode(
  pod: Pod,
  nodes: readonly NodeInfo[],
  { view, random }: { view: ClusterView; random: () => number },
): NodeInfo | undefined {
  if (nodes.length < 2) return nodes[0];
  const { room, balance } = roomScores(pod, nodes);
  const weighted: [Scores, number][] = [
    [untaintedScores(pod, nodes), 3],
    [preferredNodeScores(pod, nodes), 2],
    [spreadScores(pod, view, nodes), 2],
    [normalize(preferredAffinity(pod, view, nodes)), 2],
    [room, 1],
    [balance, 1],
  ];
  let best: NodeInfo[] = [];
  let high = -1;
  for (const info of nodes) {
    let sum = 0;
    for (const [scores, weight] of weighted) sum += weight * scores.get(info)!;
    sum = Math.round(sum * 1000);
    if (sum > high) {
      high = sum;
      best = [info];
    } else if (sum === high) best.push(info);
  }
  return best[Math.floor(random() * best.length)];
}
