// The scale subresource of the kinds that count replicas: all but the selector is the same for each.
import type { ResourceDefinition } from "../../resource.ts";
import type { KubeObject, LabelSelector } from "../../types.ts";
import { formatLabelSelector, formatLabels } from "../table/mod.ts";

interface Replicated extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas?: number };
}

const nothing = (text: string): string => (text === "<none>" ? "" : text);

/** A selector as scale carries it. */
export const selectorText = (s: LabelSelector | null | undefined): string => nothing(formatLabelSelector(s));
export const labelsText = (l: Record<string, string> | null | undefined): string => nothing(formatLabels(l));

export const replicaScale = <T extends Replicated>(
  selector: (obj: T) => string,
): NonNullable<ResourceDefinition<T>["scale"]> => ({
  replicas: (obj) => obj.spec?.replicas ?? 0,
  setReplicas(obj, n) {
    obj.spec!.replicas = n;
  },
  statusReplicas: (obj) => obj.status?.replicas ?? 0,
  selector,
});
