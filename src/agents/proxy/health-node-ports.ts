// The health check node ports of Services with externalTrafficPolicy Local: opened and closed as the kernel has those Services.
import type { ServiceRouting } from "../../core/network/mod.ts";
import { healthNodePortAnswer } from "./health.ts";
import type { HealthAnswer, HealthPorts } from "./ports.ts";

export interface HealthNodePorts {
  /** The kernel has these Services as they are now. */
  update(keys: Iterable<string>): void;
}

export function createHealthNodePorts(
  ports: HealthPorts,
  of: {
    /** What the kernel has of a Service, for each family. */
    routings(key: string): readonly ServiceRouting[];
    /** Whether the proxy is. */
    isHealthy(): boolean;
  },
): HealthNodePorts {
  const known = new Map<string, { port: number; localEndpoints: number }>();
  const answer = (key: string): HealthAnswer =>
    healthNodePortAnswer(key, known.get(key)?.localEndpoints ?? 0, of.isHealthy());

  return {
    update(keys) {
      let changed = false;
      for (const key of new Set([...keys, ...known.keys()])) {
        const routings = of.routings(key);
        const port = routings.find((r) => r.healthCheckNodePort !== undefined)?.healthCheckNodePort;
        const localEndpoints = Math.max(0, ...routings.map((r) => r.localEndpoints));
        const old = known.get(key);
        if (old && old.port === port) old.localEndpoints = localEndpoints;
        else if (old || port !== undefined) {
          changed = true;
          if (port === undefined) known.delete(key);
          else known.set(key, { port, localEndpoints });
        }
      }
      if (changed) ports.serve(new Map([...known].map(([key, { port }]) => [port, () => answer(key)])));
    },
  };
}
