// coordination.k8s.io/v1 Lease (kubernetes pkg/registry/coordination/lease).
import type { ResourceDefinition } from "../resource.ts";
import type { Lease } from "../types.ts";
import { define } from "./define.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

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
  columns: [
    nameColumn,
    column("Holder", "Who holds the lease.", (l) => l.spec?.holderIdentity ?? ""),
    ageColumn,
  ],
});
