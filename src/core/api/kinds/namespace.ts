// v1 Namespace (kubernetes pkg/registry/core/namespace).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { Namespace } from "../types.ts";
import { define, keep } from "./define.ts";
import { invalid, invalidEach, qualifiedName, validateFinalizerNames } from "./meta/mod.ts";
import { statusOf } from "./subresources.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

const NAME_LABEL = "kubernetes.io/metadata.name";

/** The body of PUT …/finalize; also part of a new namespace. */
export function validateNamespaceFinalizers(n: Namespace): FieldError[] {
  const path = "spec.finalizers";
  const list = n.spec?.finalizers ?? [];
  return [
    ...list.flatMap((f, i) => invalidEach(`${path}[${i}]`, f, qualifiedName(f))),
    ...validateFinalizerNames(list, path),
  ];
}

function validateStatus(n: Namespace): FieldError[] {
  const phase = n.status?.phase ?? "";
  const [wanted, when] = n.metadata.deletionTimestamp
    ? ["Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty"]
    : ["Active", "may only be 'Active' if `deletionTimestamp` is empty"];
  return phase === wanted ? [] : [invalid("status.Phase", phase, when)];
}

export const namespace: ResourceDefinition<Namespace> = define<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  namespaced: false,
  model: "V1Namespace",
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  nameRule: "dns1123label",
  subresources: [{ name: "finalize", verbs: ["update"], kind: "Namespace" }, statusOf("Namespace")],
  setDefaults(n) {
    n.status ??= {};
    n.status.phase ||= "Active";
    if (!n.metadata.name) return;
    n.metadata.labels = { ...n.metadata.labels, [NAME_LABEL]: n.metadata.name };
  },
  prepareForCreate(n) {
    n.status = { phase: "Active" };
    const finalizers = n.spec?.finalizers ?? [];
    n.spec = {
      ...n.spec,
      finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"],
    };
  },
  prepareForUpdate(n, old) {
    keep(n, old, "spec");
    keep(n, old, "status");
  },
  prepareForStatusUpdate(n, old) {
    keep(n, old, "spec");
  },
  validate: validateNamespaceFinalizers,
  validateStatusUpdate: validateStatus,
  columns: [
    nameColumn,
    column("Status", "The status of the namespace", (n) => n.status?.phase ?? ""),
    ageColumn,
  ],
  fields: { "status.phase": (n) => n.status?.phase ?? "", name: (n) => n.metadata.name ?? "" },
});
