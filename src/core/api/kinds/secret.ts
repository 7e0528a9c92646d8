// v1 Secret (kubernetes pkg/registry/core/secret).
import type { ResourceDefinition } from "../resource.ts";
import type { Secret } from "../types.ts";
import { define } from "./define.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

export const secret: ResourceDefinition<Secret> = define<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  singular: "secret",
  namespaced: true,
  model: "V1Secret",
  setDefaults(s) {
    s.type ||= "Opaque";
    if (s.stringData) {
      const data = Object.entries(s.stringData).map(([k, v]) => [k, Buffer.from(v).toString("base64")]);
      s.data = Object.fromEntries([...Object.entries(s.data ?? {}), ...data]);
      delete s.stringData;
    }
  },
  columns: [
    nameColumn,
    column("Type", "Used to facilitate programmatic handling of secret data.", (s) => s.type ?? ""),
    column("Data", "How many keys it holds.", (s) => Object.keys(s.data ?? {}).length),
    ageColumn,
  ],
  fields: { type: (s) => s.type ?? "" },
});
