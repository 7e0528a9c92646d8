// apps/v1 ControllerRevision: one state of a DaemonSet or StatefulSet to go back to (kubernetes
// pkg/registry/apps/controllerrevision).
import type { ResourceDefinition } from "../../resource.ts";
import type { ControllerRevision } from "../../types.ts";
import { define } from "../define.ts";
import { immutable, notNegative, required } from "../meta/mod.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";

function controller(r: ControllerRevision): string {
  const owner = r.metadata.ownerReferences?.find((o) => o.controller === true);
  if (!owner) return "<none>";
  const [group = "", version] = (owner.apiVersion ?? "").split("/");
  return `${(owner.kind ?? "").toLowerCase()}${version ? `.${group}` : ""}/${owner.name}`;
}

export const controllerRevision: ResourceDefinition<ControllerRevision> = define<ControllerRevision>({
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  singular: "controllerrevision",
  namespaced: true,
  model: "V1ControllerRevision",
  validate: (r) => [
    ...(r.data === undefined ? [required("data", "data is mandatory")] : []),
    ...notNegative("revision", r.revision),
  ],
  validateUpdate: (r, old) => immutable("data", r.data, old.data),
  columns: [
    nameColumn,
    column("Controller", "Controller of the object", controller),
    column("Revision", "The revision's number.", (r) => r.revision ?? 0, { type: "integer" }),
    ageColumn,
  ],
});
