// v1 ServiceAccount (kubernetes pkg/registry/core/serviceaccount).
import type { ResourceDefinition } from "../resource.ts";
import type { ServiceAccount } from "../types.ts";
import { define } from "./define.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

/** A secret of an account is named, and nothing more is kept of the reference. */
function onlyNames(s: ServiceAccount): void {
  if (s.secrets) s.secrets = s.secrets.map(({ name }) => (name === undefined ? {} : { name }));
}

export const serviceAccount: ResourceDefinition<ServiceAccount> = define<ServiceAccount>({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  singular: "serviceaccount",
  shortNames: ["sa"],
  namespaced: true,
  model: "V1ServiceAccount",
  subresources: [
    {
      name: "token",
      verbs: ["create"],
      kind: "TokenRequest",
      group: "authentication.k8s.io",
      version: "v1",
    },
  ],
  prepareForCreate: onlyNames,
  prepareForUpdate: onlyNames,
  columns: [
    nameColumn,
    column("Secrets", "How many secrets it names.", (s) => (s.secrets ?? []).length),
    ageColumn,
  ],
});
