// scheduling.k8s.io/v1 PriorityClass (kubernetes pkg/registry/scheduling/priorityclass).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { PriorityClass } from "../types.ts";
import { define } from "./define.ts";
import { forbidden, immutable, notSupported } from "./meta/mod.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

/** The classes that every cluster has. */
export const systemPriorityClasses: readonly (Pick<PriorityClass, "metadata" | "description"> & {
  value: number;
})[] = [
  {
    metadata: { name: "system-node-critical" },
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
  {
    metadata: { name: "system-cluster-critical" },
    value: 2_000_000_000,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
];
const highest = 1_000_000_000;
const policies = ["PreemptLowerPriority", "Never"];

function systemRefusal({ metadata, value, globalDefault }: PriorityClass): string | undefined {
  const known = systemPriorityClasses.find((c) => c.metadata.name === metadata.name);
  if (!known) return `${metadata.name} is not a known system priority class`;
  if (known.value !== value) return `value of ${metadata.name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${metadata.name} PriorityClass must be false` : undefined;
}

function validate(c: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  if (c.metadata.name?.startsWith("system-")) {
    const refusal = systemRefusal(c);
    if (refusal !== undefined)
      errors.push(
        forbidden(
          "metadata.name",
          `priority class names with 'system-' prefix are reserved for system use only. error: ${refusal}`,
        ),
      );
  } else if ((c.value ?? 0) > highest)
    errors.push(forbidden("value", `maximum allowed value of a user defined priority is ${highest}`));
  if (c.preemptionPolicy !== undefined && !policies.includes(c.preemptionPolicy))
    errors.push(notSupported("preemptionPolicy", c.preemptionPolicy, policies));
  return errors;
}

export const priorityClass: ResourceDefinition<PriorityClass> = define<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  singular: "priorityclass",
  shortNames: ["pc"],
  namespaced: false,
  model: "V1PriorityClass",
  setDefaults(c) {
    c.value ??= 0;
    c.preemptionPolicy ??= "PreemptLowerPriority";
  },
  prepareForCreate(c) {
    c.metadata.generation = 1;
  },
  validate,
  validateUpdate: (c, old) => [
    ...(c.value === old.value ? [] : [forbidden("value", "may not be changed in an update.")]),
    ...immutable("preemptionPolicy", c.preemptionPolicy, old.preemptionPolicy),
  ],
  columns: [
    nameColumn,
    column("Value", "The priority that pods of this class have.", (c) => c.value ?? 0, { type: "integer" }),
    column(
      "Global-Default",
      "Whether pods that name no class have this one.",
      (c) => c.globalDefault ?? false,
      {
        type: "boolean",
      },
    ),
    ageColumn,
    column(
      "PreemptionPolicy",
      "Whether pods of this class may push others out.",
      (c) => c.preemptionPolicy ?? "",
    ),
  ],
});
