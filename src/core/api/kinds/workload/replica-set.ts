// apps/v1 ReplicaSet (kubernetes pkg/registry/apps/replicaset).
import type { ResourceDefinition } from "../../resource.ts";
import type { ReplicaSet } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { scale, statusOf } from "../subresources.ts";
import { ageColumn, column, formatLabelSelector, nameColumn, templateColumns } from "../table/mod.ts";

export const replicaSet: ResourceDefinition<ReplicaSet> = define<ReplicaSet>({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  singular: "replicaset",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  model: "V1ReplicaSet",
  subresources: [scale, statusOf("ReplicaSet")],
  ...specAndStatus<ReplicaSet>(),
  columns: [
    nameColumn,
    column("Desired", "The number of desired pods.", (r) => r.spec?.replicas ?? 0, { type: "integer" }),
    column("Current", "The number of pods.", (r) => r.status?.replicas ?? 0, { type: "integer" }),
    column("Ready", "The number of ready pods.", (r) => r.status?.readyReplicas ?? 0, { type: "integer" }),
    ageColumn,
    ...templateColumns<ReplicaSet>((r) => r.spec?.template),
    column("Selector", "Label selector for pods.", (r) => formatLabelSelector(r.spec?.selector), {
      wide: true,
    }),
  ],
  fields: { "status.replicas": (r) => String(r.status?.replicas ?? 0) },
  scale: {
    replicas: (r) => r.spec?.replicas ?? 0,
    setReplicas(r, n) {
      r.spec!.replicas = n;
    },
    statusReplicas: (r) => r.status?.replicas ?? 0,
    selector: (r) => {
      const text = formatLabelSelector(r.spec?.selector);
      return text === "<none>" ? "" : text;
    },
  },
});
