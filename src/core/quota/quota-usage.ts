// What a quota's namespace uses of it, and whether more fits (kubernetes pkg/quota/v1/resources.go).
import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  printQuantity,
  type Quantity,
} from "../api/quantity/mod.ts";
import type { KubeObject, ResourceQuota } from "../api/types.ts";
import { coversObject } from "./scopes.ts";
import { addUsage, type CountedKind, countsFor, type Usage, usageOf } from "./usage.ts";

const zero = parseQuantity("0");

export const hardNames = (quota: ResourceQuota): string[] => Object.keys(quota.spec?.hard ?? {}).sort();

/** Of every name in `spec.hard`. `objects` gives all objects of a kind in the quota's namespace. */
export function quotaUsage(
  quota: ResourceQuota,
  kinds: readonly CountedKind[],
  options: { objects(kind: CountedKind): readonly KubeObject[]; nowMs: number },
): Usage {
  const names = hardNames(quota);
  const total: Usage = new Map();
  for (const kind of kinds) {
    if (!names.some((name) => countsFor(kind, name))) continue;
    for (const object of options.objects(kind))
      if (coversObject(quota, kind, object)) addUsage(total, usageOf(kind, object, options.nowMs));
  }
  return new Map(names.map((name) => [name, total.get(name) ?? zero]));
}

/** What is in `next` and not in `before`; nothing that shrinks. */
export function growth(next: Usage, before: Usage): Usage {
  const more: Usage = new Map();
  for (const [name, amount] of next) {
    const had = before.get(name) ?? zero;
    const delta: Quantity = addQuantities(amount, { ...had, unscaled: -had.unscaled });
    if (delta.unscaled > 0n) more.set(name, delta);
  }
  return more;
}

/** `exceeded quota: …`, or undefined where it fits. `used` is what `quotaUsage` says. */
export function exceeded(quota: ResourceQuota, used: Usage, wanted: Usage): string | undefined {
  const over = hardNames(quota).filter((name) => {
    const more = wanted.get(name);
    if (!more) return false;
    const sum = addQuantities(used.get(name) ?? zero, more);
    return compareQuantities(sum, parseQuantity(quota.spec!.hard![name]!)) > 0;
  });
  if (over.length === 0) return undefined;
  const print = (of: (name: string) => string): string => over.map((n) => `${n}=${of(n)}`).join(",");
  const requested = print((n) => printQuantity(wanted.get(n)!));
  const has = print((n) => printQuantity(used.get(n) ?? zero));
  const limited = print((n) => printQuantity(parseQuantity(quota.spec!.hard![n]!)));
  return `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${has}, limited: ${limited}`;
}
