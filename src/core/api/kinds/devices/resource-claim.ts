// resource.k8s.io/v1 ResourceClaim: devices that pods ask for (kubernetes pkg/registry/resource/resourceclaim).
import type { ResourceDefinition } from "../../resource.ts";
import type { ResourceClaim } from "../../types.ts";
import { define, keep, keepMetadata } from "../define.ts";
import { immutable } from "../meta/mod.ts";
import { statusOf } from "../subresources.ts";
import { ageColumn, column, nameColumn } from "../table/mod.ts";
import { validateClaimSpec } from "./claim-spec.ts";
import { dropDeallocated, validateClaimStatus } from "./claim-status.ts";
import { setClaimDefaults } from "./requests.ts";
import { setTolerationDefaults } from "./tolerations.ts";

/** `pending`, `allocated,reserved`, `deleted,allocated`. */
function stateOf({ metadata, status }: ResourceClaim): string {
  const states = metadata.deletionTimestamp ? ["deleted"] : [];
  if (!status?.allocation) return [...states, ...(states.length > 0 ? [] : ["pending"])].join(",");
  return [...states, "allocated", ...(status.reservedFor?.length ? ["reserved"] : [])].join(",");
}

export const resourceClaim: ResourceDefinition<ResourceClaim> = define<ResourceClaim>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaim",
  plural: "resourceclaims",
  singular: "resourceclaim",
  namespaced: true,
  model: "ResourceV1ResourceClaim",
  subresources: [statusOf("ResourceClaim")],
  setDefaults(c) {
    setClaimDefaults(c.spec?.devices);
    for (const r of c.status?.allocation?.devices?.results ?? []) setTolerationDefaults(r.tolerations);
  },
  prepareForCreate(c) {
    c.status = {};
  },
  prepareForUpdate: (c, old) => keep(c, old, "status"),
  prepareForStatusUpdate(c, old) {
    keep(c, old, "spec");
    keepMetadata(c, old);
    dropDeallocated(c.status, old.status);
  },
  statusLeavesMetadata: true,
  validate: (c) => validateClaimSpec(c.spec, "spec"),
  // What is there already is not looked at again: it cannot be changed.
  validateUpdate: (c, old) => immutable("spec", c.spec, old.spec),
  validateStatusUpdate: validateClaimStatus,
  columns: [
    nameColumn,
    column("State", "Pending or allocated, reserved for somebody, deleted.", stateOf),
    ageColumn,
  ],
});
