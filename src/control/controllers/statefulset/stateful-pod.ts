// The pod of one ordinal: its name, labels, host name and the template of its revision (pkg/controller/statefulset
// stateful_set_utils.go).
import { statefulSets } from "../../../core/api/refs.ts";
import type { Pod, PodTemplateSpec, StatefulSet } from "../../../core/api/types.ts";
import { controllerRefTo } from "../ownership/mod.ts";
import { podFromTemplate } from "../pods/mod.ts";
import { revisionHashLabel } from "../revisions/mod.ts";

const podNameLabel = "statefulset.kubernetes.io/pod-name";
const podIndexLabel = "apps.kubernetes.io/pod-index";

export const firstOrdinal = (set: StatefulSet): number => set.spec?.ordinals?.start ?? 0;

/** The ordinal in a pod's name; undefined when it is no pod of such a name. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const name = pod.metadata.name ?? "";
  const text = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined;
}

export function statefulPod(
  set: StatefulSet,
  ordinal: number,
  { template, revision }: { template: PodTemplateSpec; revision: string },
): Pod {
  const pod = podFromTemplate(template, {
    ownerName: set.metadata.name!,
    ownerReference: controllerRefTo(statefulSets, set),
  });
  const name = `${set.metadata.name}-${ordinal}`;
  const { generateName: _, ...metadata } = pod.metadata;
  const labels = {
    ...metadata.labels,
    [podNameLabel]: name,
    [podIndexLabel]: String(ordinal),
    [revisionHashLabel]: revision,
  };
  const subdomain = set.spec?.serviceName;
  return {
    ...pod,
    metadata: { ...metadata, name, labels },
    spec: { ...pod.spec!, hostname: name, ...(subdomain ? { subdomain } : {}) },
  };
}
