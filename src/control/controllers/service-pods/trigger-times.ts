// The moment whose consequence an endpoint change is, for measuring how long it took to take effect
// (annotation endpoints.kubernetes.io/last-change-trigger-time; k8s.io/endpointslice TriggerTimeTracker).
import type { Pod, Service } from "../../../core/api/types.ts";
import { podCondition } from "../pods/mod.ts";

export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

export interface TriggerTimes {
  /** RFC 3339, or undefined when nothing with a known time changed since the last call for this Service. */
  next(key: string, service: Service, pods: readonly Pod[]): string | undefined;
  forget(key: string): void;
}

export function createTriggerTimes(): TriggerTimes {
  const known = new Map<string, { service: string; pods: Map<string, string> }>();
  return {
    next(key, service, pods) {
      const before = known.get(key);
      const created = service.metadata.creationTimestamp ?? "";
      let earliest: string | undefined;
      const consider = (time: string, last: string): void => {
        if (time > last && (earliest === undefined || time < earliest)) earliest = time;
      };
      const times = new Map<string, string>();
      for (const pod of pods) {
        const ready = podCondition(pod, "Ready")?.lastTransitionTime;
        if (!ready) continue;
        times.set(pod.metadata.name!, ready);
        consider(ready, before?.pods.get(pod.metadata.name!) ?? "");
      }
      consider(created, before?.service ?? "");
      known.set(key, { service: created, pods: times });
      return before ? earliest : created || undefined;
    },
    forget: (key) => void known.delete(key),
  };
}
