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

function add(into: Map<string, Quantity>, list: ResourceList | undefined): void {
  for (const [name, text] of Object.entries(list ?? {})) {
    const q = readQuantity(text);
    const was = into.get(name);
    if (q) into.set(name, was ? addQuantities(was, q) : q);
  }
}

function max(into: Map<string, Quantity>, list: ReadonlyMap<string, Quantity>): void {
  for (const [name, q] of list) {
    const was = into.get(name);
    if (!was || compareQuantities(q, was) > 0) into.set(name, q);
  }
}

/** What the containers of a pod need together: the sum of those that run at once, or more if an init container needs more. */
export function aggregateResources(spec: PodSpec, which: "requests" | "limits"): Map<string, Quantity> {
  const total = new Map<string, Quantity>();
  for (const c of spec.containers ?? []) add(total, c.resources?.[which]);
  const sidecars = new Map<string, Quantity>();
  const starting = new Map<string, Quantity>();
  for (const c of spec.initContainers ?? []) {
    if (isSidecar(c)) {
      add(total, c.resources?.[which]);
      add(sidecars, c.resources?.[which]);
      max(starting, sidecars);
    } else {
      const now = new Map(sidecars);
      add(now, c.resources?.[which]);
      max(starting, now);
    }
  }
  max(total, starting);
  return total;
}

/** An init container that keeps running (KEP-753). */
export const isSidecar = (c: Container): boolean => c.restartPolicy === "Always";
