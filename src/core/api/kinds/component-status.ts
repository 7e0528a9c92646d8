// v1 ComponentStatus: how the parts of the control plane are (kubernetes pkg/registry/core/componentstatus). Read only: the
// server tells it of itself.
import type { ResourceDefinition } from "../resource.ts";
import type { ComponentStatus } from "../types.ts";
import { define } from "./define.ts";
import { column, nameColumn } from "./table/mod.ts";

const healthy = (c: ComponentStatus) => c.conditions?.find((of) => of.type === "Healthy");

export const componentStatus: ResourceDefinition<ComponentStatus> = define<ComponentStatus>({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  singular: "componentstatus",
  shortNames: ["cs"],
  namespaced: false,
  model: "V1ComponentStatus",
  verbs: ["get", "list"],
  deprecation: "v1 ComponentStatus is deprecated in v1.19+",
  columns: [
    nameColumn,
    column("Status", "Status of the component conditions", (c) =>
      healthy(c) ? (healthy(c)!.status === "True" ? "Healthy" : "Unhealthy") : "Unknown",
    ),
    column("Message", "Message of the component conditions", (c) => healthy(c)?.message ?? ""),
    column("Error", "Error of the component conditions", (c) => healthy(c)?.error ?? ""),
  ],
});

/** A component as it is: `why` it does not work, or undefined. */
export function componentStatusOf(name: string, why: string | undefined): ComponentStatus {
  const condition =
    why === undefined
      ? { type: "Healthy", status: "True", message: "ok" }
      : { type: "Healthy", status: "False", message: why };
  return {
    apiVersion: "v1",
    kind: "ComponentStatus",
    metadata: { name },
    conditions: [condition],
  };
}
