// apps/v1 Deployment (kubernetes pkg/registry/apps/deployment).
import type { ResourceDefinition } from "../../resource.ts";
import type { Deployment } from "../../types.ts";
import { define, specAndStatus } from "../define.ts";
import { scale, statusOf } from "../subresources.ts";
import { ageColumn, column, formatLabelSelector, nameColumn, templateColumns } from "../table/mod.ts";

export const deployment: ResourceDefinition<Deployment> = define<Deployment>({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  singular: "deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  model: "V1Deployment",
  subresources: [scale, statusOf("Deployment")],
  ...specAndStatus<Deployment>(),
  columns: [
    nameColumn,
    column(
      "Ready",
      "Number of the pod with ready state",
      (d) => `${d.status?.readyReplicas ?? 0}/${d.spec?.replicas ?? 0}`,
    ),
    column("Up-to-date", "Pods of the newest template.", (d) => d.status?.updatedReplicas ?? 0),
    column("Available", "Pods ready for at least minReadySeconds.", (d) => d.status?.availableReplicas ?? 0),
    ageColumn,
    ...templateColumns<Deployment>((d) => d.spec?.template),
    column("Selector", "Label selector for pods.", (d) => formatLabelSelector(d.spec?.selector), {
      wide: true,
    }),
  ],
  scale: {
    replicas: (d) => d.spec?.replicas ?? 0,
    setReplicas(d, n) {
      d.spec!.replicas = n;
    },
    statusReplicas: (d) => d.status?.replicas ?? 0,
    selector: (d) => selectorText(d.spec?.selector),
  },
});

function selectorText(s: Parameters<typeof formatLabelSelector>[0]): string {
  const text = formatLabelSelector(s);
  return text === "<none>" ? "" : text;
}
