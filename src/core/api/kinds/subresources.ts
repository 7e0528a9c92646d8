// Subresources that more than one kind has, as discovery lists them.
import type { SubresourceDefinition } from "../resource.ts";

const change = ["get", "patch", "update"] as const;

/** `status` of the kind itself. */
export const statusOf = (kind: string): SubresourceDefinition => ({ name: "status", verbs: change, kind });

/** autoscaling/v1 Scale. */
export const scale: SubresourceDefinition = {
  name: "scale",
  verbs: change,
  kind: "Scale",
  group: "autoscaling",
  version: "v1",
};

/** HTTP through the API server to a node, pod or service. */
export const proxyOf = (kind: string): SubresourceDefinition => ({
  name: "proxy",
  verbs: ["create", "delete", "get", "patch", "update"],
  kind,
});
