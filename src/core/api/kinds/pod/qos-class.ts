// The quality-of-service class of a pod (kubernetes pkg/apis/core/helper/qos ComputePodQOS).
import { compareQuantities } from "../../quantity/mod.ts";
import type { PodSpec } from "../../types.ts";
import { type ResourceList, readQuantity } from "./resource-list.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const counted = ["cpu", "memory"] as const;

function positive(list: ResourceList | undefined, name: string): boolean {
  const q = list && Object.hasOwn(list, name) ? readQuantity(list[name]) : undefined;
  return q !== undefined && q.unscaled > 0n;
}

/** Guaranteed: every container limits cpu and memory and requests as much; BestEffort: none asks for anything. */
export function qosClass(spec: PodSpec): QosClass {
  const usesPod = [spec.resources?.requests, spec.resources?.limits].some((l) =>
    counted.some((n) => positive(l, n)),
  );
  const containers = usesPod
    ? [{ resources: spec.resources }]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const asks = containers.some((c) =>
    [c.resources?.requests, c.resources?.limits].some((l) => counted.some((n) => positive(l, n))),
  );
  if (!asks) return "BestEffort";
  const guaranteed = containers.every((c) =>
    counted.every((name) => {
      const { requests, limits } = c.resources ?? {};
      if (!positive(limits, name)) return false;
      if (!positive(requests, name)) return true;
      return compareQuantities(readQuantity(requests![name])!, readQuantity(limits![name])!) === 0;
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
