// What the scheduler weighs a pod by: what it asks for, what is assumed where it asks for nothing, its host ports.
import type { Pod } from "../../core/api/types.ts";
import { type Amounts, type HostPort, hostPortsOf, podResources } from "../../core/scheduling/mod.ts";

/** Counted for scoring where a container asks for nothing, so that such pods spread too. */
const assumed = { cpu: 100, memory: 200 * 1024 * 1024 };

export interface PodRequests {
  resources: Amounts;
  /** cpu and memory with something assumed for containers that ask for nothing. */
  scored: { cpu: number; memory: number };
  hostPorts: HostPort[];
}

export function podRequests(pod: Pod): PodRequests {
  const scored = podResources(pod, assumed);
  return {
    resources: podResources(pod),
    scored: { cpu: scored.get("cpu") ?? 0, memory: scored.get("memory") ?? 0 },
    hostPorts: hostPortsOf(pod),
  };
}
