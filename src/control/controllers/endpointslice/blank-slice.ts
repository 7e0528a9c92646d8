// A slice without endpoints, of one address family, owned by the object that it is made from.
import type { ResourceRef } from "../../../core/api/refs.ts";
import type { KubeObject, ObjectMeta } from "../../../core/api/types.ts";
import { controllerRefTo } from "../ownership/mod.ts";
import type { Slice } from "./slice-draft.ts";

export function blankSlice(
  ref: ResourceRef,
  owner: KubeObject,
  { addressType, ...metadata }: Pick<ObjectMeta, "labels" | "annotations"> & { addressType: string },
): Slice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace!,
      ...metadata,
      ownerReferences: [controllerRefTo(ref, owner)],
    },
    addressType,
    endpoints: [],
  };
}
