// v1 ReplicationController (kubernetes pkg/registry/core/replicationcontroller).
import type { ResourceDefinition } from "../../resource.ts";
import type { ReplicationController } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { scale, statusOf } from "../subresources.ts";
import { ageColumn, column, formatLabels, nameColumn, templateColumns } from "../table/mod.ts";

export const replicationController: ResourceDefinition<ReplicationController> = define<ReplicationController>(
  {
    group: "",
    version: "v1",
    kind: "ReplicationController",
    plural: "replicationcontrollers",
    singular: "replicationcontroller",
    shortNames: ["rc"],
    categories: ["all"],
    namespaced: true,
    model: "V1ReplicationController",
    subresources: [scale, statusOf("ReplicationController")],
    ...specAndStatus<ReplicationController>(),
    columns: [
      nameColumn,
      column("Desired", "The number of desired pods.", (r) => r.spec?.replicas ?? 0, { type: "integer" }),
      column("Current", "The number of pods.", (r) => r.status?.replicas ?? 0, { type: "integer" }),
      column("Ready", "The number of ready pods.", (r) => r.status?.readyReplicas ?? 0, { type: "integer" }),
      ageColumn,
      ...templateColumns<ReplicationController>((r) => r.spec?.template ?? undefined),
      column("Selector", "Labels of the pods.", (r) => formatLabels(r.spec?.selector), { wide: true }),
    ],
    fields: { "status.replicas": (r) => String(r.status?.replicas ?? 0) },
    scale: {
      replicas: (r) => r.spec?.replicas ?? 0,
      setReplicas(r, n) {
        r.spec!.replicas = n;
      },
      statusReplicas: (r) => r.status?.replicas ?? 0,
      selector: (r) => {
        const text = formatLabels(r.spec?.selector);
        return text === "<none>" ? "" : text;
      },
    },
  },
);
