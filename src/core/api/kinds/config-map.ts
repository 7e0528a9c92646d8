// v1 ConfigMap (kubernetes pkg/registry/core/configmap).
import type { ResourceDefinition } from "../resource.ts";
import type { ConfigMap } from "../types.ts";
import { define } from "./define.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

export const configMap: ResourceDefinition<ConfigMap> = define<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  singular: "configmap",
  shortNames: ["cm"],
  namespaced: true,
  model: "V1ConfigMap",
  columns: [
    nameColumn,
    column(
      "Data",
      "How many keys it holds.",
      (c) => Object.keys(c.data ?? {}).length + Object.keys(c.binaryData ?? {}).length,
    ),
    ageColumn,
  ],
});
