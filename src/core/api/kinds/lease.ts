// coordination.k8s.io/v1 Lease (kubernetes pkg/registry/coordination/lease).
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { Lease } from "../types.ts";
import { define } from "./define.ts";
import { forbidden, invalid, invalidEach, notSupported, qualifiedName } from "./meta/mod.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

function validate(l: Lease): FieldError[] {
  const spec = l.spec ?? {};
  const errors: FieldError[] = [];
  if (spec.leaseDurationSeconds != null && spec.leaseDurationSeconds <= 0)
    errors.push(invalid("spec.leaseDurationSeconds", spec.leaseDurationSeconds, "must be greater than 0"));
  if (spec.leaseTransitions != null && spec.leaseTransitions < 0)
    errors.push(
      invalid("spec.leaseTransitions", spec.leaseTransitions, "must be greater than or equal to 0"),
    );
  const strategy = spec.strategy;
  const at = "spec.strategy.strategy";
  if (strategy != null) {
    const known = ["OldestEmulationVersion"];
    if (strategy.includes("/")) errors.push(...invalidEach(at, strategy, qualifiedName(strategy)));
    else if (!known.includes(strategy)) errors.push(notSupported(at, strategy, known));
  }
  if (spec.preferredHolder && !strategy)
    errors.push(forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"));
  return errors;
}

export const lease: ResourceDefinition<Lease> = define<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  singular: "lease",
  namespaced: true,
  model: "V1Lease",
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    column("Holder", "Who holds the lease.", (l) => l.spec?.holderIdentity ?? ""),
    ageColumn,
  ],
});
