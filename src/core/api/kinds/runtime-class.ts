// node.k8s.io/v1 RuntimeClass: which handler of the container runtime runs a pod, what it costs and where it is
// (kubernetes pkg/registry/node/runtimeclass).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { RuntimeClass } from "../types.ts";
import { define } from "./define.ts";
import { dns1123Label, duplicate, immutable, invalidEach, required, validateLabels } from "./meta/mod.ts";
import { deprecatedNodeLabel, validateOverhead, validateTolerations } from "./pod/mod.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

function validateScheduling(s: NonNullable<RuntimeClass["scheduling"]>): FieldError[] {
  const path = "scheduling.tolerations";
  const tolerations = s.tolerations ?? [];
  const seen = new Set<string>();
  return [
    ...validateLabels(s.nodeSelector, "scheduling.nodeSelector"),
    ...validateTolerations(tolerations, path),
    ...tolerations.flatMap((t, i) => {
      const key = JSON.stringify([t.key ?? "", t.operator ?? "", t.value ?? "", t.effect ?? ""]);
      const errors = seen.has(key) ? [duplicate(`${path}[${i}]`, t)] : [];
      seen.add(key);
      return errors;
    }),
  ];
}

function validate(r: RuntimeClass): FieldError[] {
  const handler = r.handler ?? "";
  return [
    ...(handler === "" ? [required("handler")] : invalidEach("handler", handler, dns1123Label(handler))),
    ...(r.overhead ? validateOverhead(r.overhead.podFixed ?? {}, "overhead") : []),
    ...(r.scheduling ? validateScheduling(r.scheduling) : []),
  ];
}

export const runtimeClass: ResourceDefinition<RuntimeClass> = define<RuntimeClass>({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  singular: "runtimeclass",
  namespaced: false,
  model: "V1RuntimeClass",
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validate,
  validateUpdate: (r, old) => [...validate(r), ...immutable("handler", r.handler, old.handler)],
  warnings: (r) =>
    Object.keys(r.scheduling?.nodeSelector ?? {}).flatMap((key) => {
      const old = deprecatedNodeLabel(key);
      return old ? [`scheduling.nodeSelector: ${old}`] : [];
    }),
  columns: [
    nameColumn,
    column("Handler", "The handler of the node's container runtime.", (r) => r.handler ?? ""),
    ageColumn,
  ],
});
