// The one owner that manages an object (metav1.GetControllerOf, NewControllerRef).
import { apiVersionOf, type ResourceRef } from "../../../core/api/refs.ts";
import type { KubeObject, OwnerReference } from "../../../core/api/types.ts";

export function controllerOf(obj: KubeObject): OwnerReference | undefined {
  return obj.metadata.ownerReferences?.find((r) => r.controller === true);
}

export function controllerRefTo(ref: ResourceRef, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(ref),
    kind: ref.kind,
    name: owner.metadata.name!,
    uid: owner.metadata.uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Index values: the uid of the controller, or `orphans/NAMESPACE` for an object without one. */
export function byController(obj: KubeObject): string[] {
  return [controllerOf(obj)?.uid ?? orphansOf(obj.metadata.namespace)];
}

export function orphansOf(namespace: string | undefined): string {
  return `orphans/${namespace ?? ""}`;
}
