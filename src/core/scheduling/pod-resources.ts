// What a pod asks of a node: its containers' requests after the rules for init containers and sidecars, and its overhead
// (component-helpers resource.PodRequests, KEP-753, KEP-2837).
import { aggregate } from "../api/kinds/pod/resource-list.ts";
import { quantityMilliValue, quantityValue } from "../api/quantity/mod.ts";
import type { Container, Pod } from "../api/types.ts";

/** Amounts by resource name: cpu in thousandths, everything else in whole units (bytes, pieces). */
export type Amounts = Map<string, number>;

export function amount(resource: string, quantity: string | number): number {
  return resource === "cpu" ? quantityMilliValue(String(quantity)) : quantityValue(String(quantity));
}

export function amountsOf(list: Record<string, string | number> | undefined): Amounts {
  const out: Amounts = new Map();
  for (const [name, quantity] of Object.entries(list ?? {})) out.set(name, amount(name, quantity));
  return out;
}

export function addAmounts(total: Amounts, more: Amounts, sign = 1): void {
  for (const [name, n] of more) total.set(name, (total.get(name) ?? 0) + sign * n);
}

const numbers = { plus: (a: number, b: number) => a + b, exceeds: (a: number, b: number) => a > b };

/** `assumed` stands in for what a container does not say. */
export function podResources(pod: Pod, assumed: Readonly<Record<string, number>> = {}): Amounts {
  const { spec } = pod;
  if (!spec) return new Map();
  const requestsOf = (c: Container): Amounts =>
    new Map([...Object.entries(assumed), ...amountsOf(c.resources?.requests)]);
  const total = aggregate(spec, requestsOf, numbers);
  for (const [name, n] of amountsOf(spec.resources?.requests)) total.set(name, n);
  addAmounts(total, amountsOf(spec.overhead));
  return total;
}
