// Pods that nobody will ever take care of again (pkg/controller/podgc).
import type { Node, Pod } from "../../../core/api/types.ts";
import { isPodTerminal } from "../pods/mod.ts";

/** Finished pods beyond this number go, oldest first. */
const terminatedThreshold = 12_500;
/** A node must have been missing for so long. */
const quarantineMs = 40_000;

const outOfService = "node.kubernetes.io/out-of-service";

export interface Lost {
  pod: Pod;
  /** Condition DisruptionTarget's message; absent where the pod simply ended. */
  message?: string;
}

export interface LostInput {
  pods: readonly Pod[];
  node(name: string): Node | undefined;
  /** Milliseconds for which a node of that name has been missing. */
  missingForMs(node: string): number;
  threshold?: number;
}

/** Names of nodes that pods are on and that do not exist. */
export function missingNodes(pods: readonly Pod[], node: (name: string) => Node | undefined): Set<string> {
  const names = new Set<string>();
  for (const p of pods) if (p.spec?.nodeName && !node(p.spec.nodeName)) names.add(p.spec.nodeName);
  return names;
}

export function lostPods({ pods, node, missingForMs, threshold = terminatedThreshold }: LostInput): Lost[] {
  const lost: Lost[] = [];
  const ended: Pod[] = [];
  for (const pod of pods) {
    const name = pod.spec?.nodeName;
    const home = name ? node(name) : undefined;
    const dying = pod.metadata.deletionTimestamp !== undefined;
    if (name && !home) {
      if (missingForMs(name) >= quarantineMs) lost.push({ pod, message: "PodGC: node no longer exists" });
    } else if (!name && dying) lost.push({ pod });
    else if (dying && home && isForsaken(home))
      lost.push({ pod, message: "PodGC: node has out-of-service taint" });
    else if (isPodTerminal(pod)) ended.push(pod);
  }
  ended.sort((a, b) =>
    String(a.metadata.creationTimestamp) < String(b.metadata.creationTimestamp) ? -1 : 1,
  );
  for (const pod of ended.slice(0, Math.max(0, ended.length - threshold))) lost.push({ pod });
  return lost;
}

/** Its administrator says that it will not come back as it was. */
function isForsaken(node: Node): boolean {
  const ready = node.status?.conditions?.find((c) => c.type === "Ready")?.status;
  return ready !== "True" && (node.spec?.taints ?? []).some((t) => t.key === outOfService);
}
