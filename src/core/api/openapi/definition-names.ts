// How messages are called in OpenAPI documents: `core.v1.Pod` is io.k8s.api.core.v1.Pod.
import type { Model, Scalar } from "../schema/mod.ts";

/** Scalars that are definitions of their own. */
export const scalarDefinitions: Partial<Record<Scalar, string>> = {
  Time: "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
  MicroTime: "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
  FieldsV1: "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
  Quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  IntOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  RawExtension: "io.k8s.apimachinery.pkg.runtime.RawExtension",
};

/** The body of a patch: anything. */
export const patchDefinition = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";

export function definitionName(model: Pick<Model, "name">): string {
  return model.name.startsWith("meta.")
    ? `io.k8s.apimachinery.pkg.apis.${model.name}`
    : `io.k8s.api.${model.name}`;
}

/** The package of a group: `discovery` for discovery.k8s.io, `core` for the group without a name. */
export function packageOf(group: string): string {
  return group === "" ? "core" : group.split(".")[0]!;
}

const suffixed = new Set(
  "admissionregistration authentication authorization certificates coordination discovery events networking node resource scheduling storage".split(
    " ",
  ),
);

/** The group of a message's package; undefined for those of no group (meta). */
export function groupOf(model: Pick<Model, "name">): string | undefined {
  const name = model.name.split(".")[0]!;
  if (name === "meta") return undefined;
  if (name === "core") return "";
  if (name === "rbac") return "rbac.authorization.k8s.io";
  return suffixed.has(name) ? `${name}.k8s.io` : name;
}

/** `CoreV1`, `RbacAuthorizationV1`: the group and version in operation ids; with `_` in tags. */
export function operationGroup(group: string): string {
  const words = (group === "" ? "core" : group.replace(/\.k8s\.io$/, "")).split(".");
  return words.map((w) => w[0]!.toUpperCase() + w.slice(1)).join("");
}
