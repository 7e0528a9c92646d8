// The probes of one pod's running containers: begun and ended with their containers.

import { allContainers } from "../pod-text.ts";
import { type ProbeLoop, startProbes } from "../probes/mod.ts";
import type { PodParts } from "./parts.ts";
import type { ProbeResults } from "./state.ts";

export interface PodProbes {
  /** Verdicts by container id. */
  results(): Map<string, ProbeResults>;
  /** Begins probes of containers that run and ends those of the dead. `hooking` ones have not started yet. */
  sync(hooking: ReadonlySet<string>): void;
  stopAllButReadiness(): void;
  stop(): void;
}

/** `adopted`: containers may be known to the API from before this process; what it says of them holds for now. */
export function createPodProbes(parts: PodParts, adopted: boolean): PodProbes {
  const { cache, context, events } = parts;
  const loops = new Map<string, ProbeLoop>();

  function begin(id: string, name: string, startedAt: number): void {
    const pod = parts.pod();
    const spec = allContainers(pod).find((s) => s.container.name === name);
    if (!spec || spec.kind === "ephemeral") return;
    const { container } = spec;
    if (!container.startupProbe && !container.livenessProbe && !container.readinessProbe) return;
    const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const before = adopted ? statuses.find((s) => s.containerID === `containerd://${id}`) : undefined;
    loops.set(
      id,
      startProbes({
        pod,
        container,
        containerId: id,
        startedAt,
        before: {
          ...(before?.started && container.startupProbe ? { startup: true } : {}),
          ...(before?.ready && container.readinessProbe ? { readiness: true } : {}),
        },
        context: { podIP: parts.podIP(), runtime: context.runtime, client: context.probes },
        onResult: parts.wake,
        onUnhealthy: (message) => events.of(spec).warning("Unhealthy", message),
      }),
    );
  }

  return {
    results: () => new Map([...loops].map(([id, loop]) => [id, loop.results])),
    sync(hooking) {
      const live = new Map(cache.containers.filter((c) => c.state === "running").map((c) => [c.id, c]));
      for (const [id, loop] of loops) {
        if (live.has(id)) continue;
        loop.stop();
        loops.delete(id);
      }
      for (const c of live.values())
        if (!loops.has(c.id) && !hooking.has(c.id)) begin(c.id, c.name, c.startedAt || c.createdAt);
    },
    stopAllButReadiness() {
      for (const loop of loops.values()) loop.stopAllButReadiness();
    },
    stop() {
      for (const loop of loops.values()) loop.stop();
      loops.clear();
    },
  };
}
