// v1 ResourceQuota (kubernetes pkg/registry/core/resourcequota).
import { canonicalQuantity, parseQuantity, quantityError } from "../quantity/mod.ts";
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { ResourceQuota } from "../types.ts";
import { define, keep } from "./define.ts";
import { immutable, invalid, invalidEach, qualifiedName, semanticEqual } from "./meta/mod.ts";
import { statusOf } from "./subresources.ts";
import { ageColumn, column, nameColumn } from "./table/mod.ts";

type Hard = Record<string, string>;

const standard = new Set([
  ...["cpu", "memory", "ephemeral-storage", "storage"],
  ...["requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage"],
  ...["limits.cpu", "limits.memory", "limits.ephemeral-storage"],
  ...["pods", "resourcequotas", "services", "replicationcontrollers", "secrets"],
  ...["persistentvolumeclaims", "configmaps", "services.nodeports", "services.loadbalancers"],
]);
const fractional =
  /^(requests\.|limits\.)?(cpu|memory|ephemeral-storage|storage)$|^(requests\.)?hugepages-|requests\.storage$/;
const podScopes = ["BestEffort", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"];
const scopes = new Set([...podScopes, "CrossNamespacePodAffinity", "VolumeAttributesClass"]);

const isStandard = (name: string): boolean =>
  standard.has(name) || name.startsWith("hugepages-") || name.startsWith("requests.hugepages-");

/** Quotas of best-effort pods count pods alone: such pods ask for nothing else. */
function scopeSuits(scope: string, name: string): boolean {
  if (!scopes.has(scope)) return true;
  if (scope === "BestEffort") return name === "pods";
  if (scope === "VolumeAttributesClass") return /^persistentvolumeclaims$|^requests\.storage$/.test(name);
  return !/^(services|configmaps|secrets|replicationcontrollers|resourcequotas|persistentvolumeclaims|requests\.storage|storage)/.test(
    name,
  );
}

function validateHard(hard: Hard, path: string): FieldError[] {
  return Object.entries(hard).flatMap(([name, value]) => {
    const at = `${path}[${name}]`;
    const errors = invalidEach(at, name, qualifiedName(name));
    if (!name.includes("/") && !isStandard(name))
      errors.push(invalid(at, name, "must be a standard resource for quota"));
    const wrong = quantityError(value);
    if (wrong !== undefined) return [...errors, invalid(at, value, wrong)];
    const quantity = parseQuantity(value);
    if (quantity.unscaled < 0n) errors.push(invalid(at, value, "must be greater than or equal to 0"));
    else if (!fractional.test(name) && quantity.unscaled % 10n ** BigInt(Math.max(0, -quantity.scale)) !== 0n)
      errors.push(invalid(at, value, "must be an integer"));
    return errors;
  });
}

function validateScopes(q: ResourceQuota): FieldError[] {
  const given = q.spec?.scopes ?? [];
  const names = Object.keys(q.spec?.hard ?? {})
    .filter(isStandard)
    .sort();
  const wrong = (detail: string): FieldError => invalid("spec.scopes", given, detail);
  const errors = given.flatMap((scope) => [
    ...(scopes.has(scope) ? [] : [wrong("unsupported scope")]),
    ...names.filter((n) => !scopeSuits(scope, n)).map(() => wrong("unsupported scope applied to resource")),
  ]);
  for (const [a, b] of [
    ["BestEffort", "NotBestEffort"],
    ["Terminating", "NotTerminating"],
  ] as const)
    if (given.includes(a) && given.includes(b)) errors.push(wrong("conflicting scopes"));
  const selectors = q.spec?.scopeSelector?.matchExpressions ?? [];
  selectors.forEach((e, i) => {
    const at = "spec.scopeSelector.matchExpressions";
    if (!scopes.has(e.scopeName)) errors.push(invalid(`${at}.scopeName`, e.scopeName, "unsupported scope"));
    const needsValues = e.operator === "In" || e.operator === "NotIn";
    if (!needsValues && e.operator !== "Exists" && e.operator !== "DoesNotExist")
      errors.push(invalid(`${at}[${i}].operator`, e.operator, "not a valid selector operator"));
    else if (needsValues && !e.values?.length)
      errors.push({
        type: "FieldValueRequired",
        field: `${at}.values`,
        detail: "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      });
    else if (!needsValues && e.values?.length)
      errors.push(
        invalid(
          `${at}.values`,
          e.values,
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        ),
      );
    if (needsValues && e.scopeName !== "PriorityClass" && e.scopeName !== "VolumeAttributesClass")
      errors.push(
        invalid(
          `${at}.operator`,
          e.operator,
          "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
  });
  return errors;
}

const validate = (q: ResourceQuota): FieldError[] => [
  ...validateHard(q.spec?.hard ?? {}, "spec.hard"),
  ...validateScopes(q),
];

function canonical(list: Hard | undefined): void {
  if (!list) return;
  for (const [name, value] of Object.entries(list))
    if (quantityError(String(value)) === undefined) list[name] = canonicalQuantity(value);
}

function cells(q: ResourceQuota, limits: boolean): string {
  const { hard = {}, used = {} } = q.status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith("limits.") === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? "0"}/${hard[name]}`)
    .join(", ");
}

export const resourceQuota: ResourceDefinition<ResourceQuota> = define<ResourceQuota>({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  singular: "resourcequota",
  shortNames: ["quota"],
  namespaced: true,
  model: "V1ResourceQuota",
  subresources: [statusOf("ResourceQuota")],
  setDefaults(q) {
    q.spec ??= {};
    q.status ??= {};
    canonical(q.spec.hard);
    canonical(q.status.hard);
    canonical(q.status.used);
  },
  prepareForCreate(q) {
    q.status = {};
  },
  prepareForUpdate(q, old) {
    keep(q, old, "status");
  },
  prepareForStatusUpdate(q, old) {
    keep(q, old, "spec");
  },
  validate,
  validateUpdate(q, old) {
    const same = semanticEqual([...(q.spec?.scopes ?? [])].sort(), [...(old.spec?.scopes ?? [])].sort());
    return [...validate(q), ...(same ? [] : immutable("spec.scopes", q.spec?.scopes, old.spec?.scopes))];
  },
  validateStatusUpdate: (q) => [
    ...validateHard(q.status?.hard ?? {}, "status.hard"),
    ...validateHard(q.status?.used ?? {}, "status.used"),
  ],
  columns: [
    nameColumn,
    column(
      "Request",
      "Request represents a minimum amount of cpu/memory that a container may consume.",
      (q) => cells(q, false),
    ),
    column(
      "Limit",
      "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
      (q) => cells(q, true),
    ),
    ageColumn,
  ],
});
