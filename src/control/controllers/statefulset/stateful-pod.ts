// The pod of one ordinal: its name, labels, host name and the template of its revision (pkg/controller/statefulset
// stateful_set_utils.go).
import { statefulSets } from "../../../core/api/refs.ts";
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from "../../../core/api/types.ts";
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

/** The claims of one ordinal, each with the name of the volume it stands for. */
export function stateClaims(
  set: StatefulSet,
  ordinal: number,
): { volume: string; claim: PersistentVolumeClaim }[] {
  const keep = set.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted !== "Delete";
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => {
    const { name = "", labels, annotations } = template.metadata ?? {};
    const metadata = {
      name: `${name}-${set.metadata.name}-${ordinal}`,
      namespace: set.metadata.namespace!,
      labels: { ...labels, ...set.spec?.selector?.matchLabels },
      ...(annotations ? { annotations } : {}),
      ...(keep ? {} : { ownerReferences: [controllerRefTo(statefulSets, set)] }),
    };
    return {
      volume: name,
      claim: { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata, spec: template.spec! },
    };
  });
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
  const claims = stateClaims(set, ordinal);
  const claimed = claims.map(({ volume, claim }) => ({
    name: volume,
    persistentVolumeClaim: { claimName: claim.metadata.name! },
  }));
  const others = (pod.spec?.volumes ?? []).filter((v) => !claims.some((c) => c.volume === v.name));
  const volumes = [...claimed, ...others];
  const subdomain = set.spec?.serviceName;
  return {
    ...pod,
    metadata: { ...metadata, name, labels },
    spec: {
      ...pod.spec!,
      ...(volumes.length > 0 ? { volumes } : {}),
      hostname: name,
      ...(subdomain ? { subdomain } : {}),
    },
  };
}
