// v1 LimitRange (kubernetes pkg/registry/core/limitrange).
import { canonicalQuantity, compareQuantities, parseQuantity, quantityError } from "../quantity/mod.ts";
import type { ResourceDefinition } from "../resource.ts";
import type { FieldError } from "../status.ts";
import type { LimitRange } from "../types.ts";
import { define } from "./define.ts";
import { duplicate, forbidden, invalid, invalidEach, qualifiedName, required } from "./meta/mod.ts";
import { column, nameColumn } from "./table/mod.ts";

type Item = NonNullable<LimitRange["spec"]>["limits"][number];
type Amounts = Record<string, string>;

const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;
/** Which of two must not exceed the other, whose field is blamed, and how the two are called. */
const orders = [
  ["min", "max", "min", "min value", "max value", "greater"],
  ["min", "defaultRequest", "defaultRequest", "min value", "default request value", "greater"],
  ["defaultRequest", "max", "defaultRequest", "default request value", "max value", "greater"],
  ["defaultRequest", "default", "defaultRequest", "default request value", "default limit value", "greater"],
  ["min", "default", "default", "min value", "default value", "greater"],
  ["default", "max", "default", "default value", "max value", "greater"],
] as const;

function validateItem(item: Item, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const isPod = item.type === "Pod";
  const names = new Set<string>();
  for (const list of lists) {
    const amounts = item[list] as Amounts | undefined;
    if (isPod && (list === "default" || list === "defaultRequest")) {
      if (Object.keys(amounts ?? {}).length > 0)
        errors.push(forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const [name, value] of Object.entries(amounts ?? {})) {
      const at = `${path}.${list}[${name}]`;
      errors.push(...invalidEach(at, name, qualifiedName(name)));
      const wrong = quantityError(String(value));
      if (wrong === undefined) names.add(name);
      else errors.push(invalid(at, value, wrong));
    }
  }
  if (item.type === "PersistentVolumeClaim" && !item.min?.storage && !item.max?.storage)
    errors.push(
      required(
        `${path}.limits`,
        "either minimum or maximum storage value is required, but neither was provided",
      ),
    );
  for (const name of names) {
    for (const [low, high, blamed, lowName, highName] of orders) {
      if (isPod && [low, high].some((l) => l.startsWith("default"))) continue;
      const [a, b] = [item[low]?.[name], item[high]?.[name]];
      if (a === undefined || b === undefined || compareQuantities(parseQuantity(a), parseQuantity(b)) <= 0)
        continue;
      const detail = `${lowName} ${a} is greater than ${highName} ${b}`;
      errors.push(invalid(`${path}.${blamed}[${name}]`, item[blamed]?.[name], detail));
    }
    const ratio = item.maxLimitRequestRatio?.[name];
    if (ratio !== undefined && compareQuantities(parseQuantity(ratio), parseQuantity("1")) < 0)
      errors.push(invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`));
  }
  return errors;
}

function validate(l: LimitRange): FieldError[] {
  const seen = new Set<string>();
  return (l.spec?.limits ?? []).flatMap((item, i) => {
    const path = `spec.limits[${i}]`;
    const errors = invalidEach(`${path}.type`, item.type, qualifiedName(item.type ?? ""));
    if (seen.has(item.type)) errors.push(duplicate(`${path}.type`, item.type));
    seen.add(item.type);
    return [...errors, ...validateItem(item, path)];
  });
}

/** A container's defaults come from what is said: limits from the maximum, requests from limits, then from the minimum. */
function setItemDefaults(item: Item): void {
  for (const list of lists) {
    const amounts = item[list] as Amounts | undefined;
    for (const [name, value] of Object.entries(amounts ?? {}))
      if (quantityError(String(value)) === undefined) amounts![name] = canonicalQuantity(value);
  }
  if (item.type !== "Container") return;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

export const limitRange: ResourceDefinition<LimitRange> = define<LimitRange>({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  singular: "limitrange",
  shortNames: ["limits"],
  namespaced: true,
  model: "V1LimitRange",
  allowCreateOnUpdate: true,
  setDefaults(l) {
    for (const item of l.spec?.limits ?? []) setItemDefaults(item);
  },
  validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    column("Created At", "When the object was created.", (l) => String(l.metadata.creationTimestamp ?? "")),
  ],
});
