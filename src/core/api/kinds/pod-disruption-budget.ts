// policy/v1 PodDisruptionBudget (kubernetes pkg/registry/policy/poddisruptionbudget).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { IntOrString, PodDisruptionBudget } from "../types.ts";
import { define, specAndStatus } from "./define.ts";
import {
  invalid,
  invalidEach,
  notNegative,
  notSupported,
  percent,
  validateLabelSelector,
} from "./meta/mod.ts";
import { statusOf } from "./subresources.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

type Status = NonNullable<PodDisruptionBudget["status"]>;

function validateShare(value: IntOrString | undefined, path: string): FieldError[] {
  if (typeof value !== "string") return notNegative(path, value);
  const errors = invalidEach(path, value, percent(value));
  if (errors.length === 0 && Number(value.slice(0, -1)) > 100)
    errors.push(invalid(path, value, "must not be greater than 100%"));
  return errors;
}

function validate(b: PodDisruptionBudget): FieldError[] {
  const spec = b.spec ?? {};
  const errors: FieldError[] = [];
  if (spec.minAvailable != null && spec.maxUnavailable != null)
    errors.push(invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
  const policies = ["AlwaysAllow", "IfHealthyBudget"];
  if (spec.unhealthyPodEvictionPolicy != null && !policies.includes(spec.unhealthyPodEvictionPolicy))
    errors.push(notSupported("spec.unhealthyPodEvictionPolicy", spec.unhealthyPodEvictionPolicy, policies));
  return [
    ...errors,
    ...validateShare(spec.minAvailable, "spec.minAvailable"),
    ...validateShare(spec.maxUnavailable, "spec.maxUnavailable"),
    ...(spec.selector ? validateLabelSelector(spec.selector, "spec.selector") : []),
  ];
}

const none: Status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };

export const podDisruptionBudget: ResourceDefinition<PodDisruptionBudget> = define<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  singular: "poddisruptionbudget",
  shortNames: ["pdb"],
  namespaced: true,
  model: "V1PodDisruptionBudget",
  subresources: [statusOf("PodDisruptionBudget")],
  ...specAndStatus<PodDisruptionBudget>(),
  setDefaults(b) {
    b.status = { ...none, ...b.status };
  },
  prepareForCreate(b) {
    b.status = { ...none };
    b.metadata.generation = 1;
  },
  validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    column("Min Available", "Pods that must stay, as a number or a share.", (b) =>
      String(b.spec?.minAvailable ?? "N/A"),
    ),
    column("Max Unavailable", "Pods that may be missing, as a number or a share.", (b) =>
      String(b.spec?.maxUnavailable ?? "N/A"),
    ),
    column(
      "Allowed Disruptions",
      "Evictions that would be let through now.",
      (b) => b.status?.disruptionsAllowed ?? 0,
      {
        type: "integer",
      },
    ),
    ageColumn,
  ],
});
