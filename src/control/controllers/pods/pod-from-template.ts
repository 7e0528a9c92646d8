// The pod that a controller makes from its template (pkg/controller GetPodFromTemplate).
import type { OwnerReference, Pod, PodTemplateSpec } from "../../../core/api/types.ts";

/** The pod to create; the API server completes its name from the owner's. */
export function podFromTemplate(
  template: PodTemplateSpec,
  { ownerName, ownerReference }: { ownerName: string; ownerReference: OwnerReference },
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${ownerName}-`,
      ...(labels ? { labels: { ...labels } } : {}),
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [ownerReference],
    },
    spec: structuredClone(template.spec ?? { containers: [] }),
  };
}
