// Resource lists of pods and containers: canonical amounts, and sums over a pod (component-helpers/resource).

import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  printQuantity,
  type Quantity,
  quantityError,
  scaledValue,
} from "../../quantity/mod.ts";
import type { Container, PodSpec } from "../../types.ts";
import { concurrentContainers, isSidecar } from "./sidecar.ts";

export type ResourceList = Record<string, string>;

/** The amount, or undefined when the text is none. */
export const readQuantity = (text: unknown): Quantity | undefined => {
  const t = String(text);
  return quantityError(t) === undefined ? parseQuantity(t) : undefined;
};

/** Writes every amount the one canonical way, rounded up to thousandths, as the API server stores it. */
export function canonicalize(list: ResourceList | null | undefined): void {
  for (const [name, text] of Object.entries(list ?? {})) {
    const q = readQuantity(text);
    if (q === undefined) continue;
    const milli: Quantity = q.scale < -3 ? { unscaled: scaledValue(q, -3), scale: -3, format: q.format } : q;
    list![name] = printQuantity(milli);
  }
}

/** How amounts of some kind are reckoned with. */
interface Reckoning<Q> {
  plus(a: Q, b: Q): Q;
  exceeds(a: Q, b: Q): boolean;
}

const exact: Reckoning<Quantity> = { plus: addQuantities, exceeds: (a, b) => compareQuantities(a, b) > 0 };

/** The amounts that can be read. */
function* amountsIn(list: ResourceList | undefined): Generator<[string, Quantity]> {
  for (const [name, text] of Object.entries(list ?? {})) {
    const q = readQuantity(text);
    if (q) yield [name, q];
  }
}

/**
 * What the containers of a pod need together, each of them `of`: the sum of those that run at once, or more if an init container
 * needs more.
 */
export function aggregate<Q>(
  spec: PodSpec,
  of: (c: Container) => Iterable<readonly [string, Q]>,
  { plus, exceeds }: Reckoning<Q>,
): Map<string, Q> {
  const add = (into: Map<string, Q>, c: Container): Map<string, Q> => {
    for (const [name, q] of of(c)) into.set(name, into.has(name) ? plus(into.get(name)!, q) : q);
    return into;
  };
  const raise = (into: Map<string, Q>, floor: ReadonlyMap<string, Q>): void => {
    for (const [name, q] of floor) if (!into.has(name) || exceeds(q, into.get(name)!)) into.set(name, q);
  };
  const total = new Map<string, Q>();
  for (const c of concurrentContainers(spec)) add(total, c);
  const sidecars = new Map<string, Q>();
  const starting = new Map<string, Q>();
  for (const c of spec.initContainers ?? [])
    raise(starting, isSidecar(c) ? add(sidecars, c) : add(new Map(sidecars), c));
  raise(total, starting);
  return total;
}

/** Exactly, of the requests or limits. */
export const aggregateResources = (spec: PodSpec, which: "requests" | "limits"): Map<string, Quantity> =>
  aggregate(spec, (c) => amountsIn(c.resources?.[which]), exact);
