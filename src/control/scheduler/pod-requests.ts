// What a pod asks of a node: resources after the rules for init containers and sidecars, and host ports
// (component-helpers resource.PodRequests, KEP-753, KEP-2837).
import { quantityMilliValue, quantityValue } from "../../core/api/quantity/mod.ts";
import type { Container, Pod } from "../../core/api/types.ts";
import { type HostPort, hostPortsOf } from "../../core/scheduling/mod.ts";

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

function raiseTo(total: Amounts, floor: Amounts): void {
  for (const [name, n] of floor) if (n > (total.get(name) ?? 0)) total.set(name, n);
}

/** Counted for scoring where a container asks for nothing, so that such pods spread too. */
const assumedCpu = 100;
const assumedMemory = 200 * 1024 * 1024;

function containerRequests(container: Container, assume: boolean): Amounts {
  const out = amountsOf(container.resources?.requests);
  if (assume) {
    if (!out.has("cpu")) out.set("cpu", assumedCpu);
    if (!out.has("memory")) out.set("memory", assumedMemory);
  }
  return out;
}

function sumRequests(pod: Pod, assume: boolean): Amounts {
  const spec = pod.spec;
  const total: Amounts = new Map();
  for (const c of spec?.containers ?? []) addAmounts(total, containerRequests(c, assume));
  const sidecars: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const c of spec?.initContainers ?? []) {
    const requests = containerRequests(c, assume);
    if (c.restartPolicy === "Always") {
      addAmounts(sidecars, requests);
      raiseTo(starting, sidecars);
    } else {
      addAmounts(requests, sidecars);
      raiseTo(starting, requests);
    }
  }
  addAmounts(total, sidecars);
  raiseTo(total, starting);
  for (const [name, n] of amountsOf(spec?.resources?.requests)) total.set(name, n);
  addAmounts(total, amountsOf(spec?.overhead));
  return total;
}

export interface PodRequests {
  resources: Amounts;
  /** cpu and memory with something assumed for containers that ask for nothing. */
  scored: { cpu: number; memory: number };
  hostPorts: HostPort[];
}

export function podRequests(pod: Pod): PodRequests {
  const scored = sumRequests(pod, true);
  return {
    resources: sumRequests(pod, false),
    scored: { cpu: scored.get("cpu") ?? 0, memory: scored.get("memory") ?? 0 },
    hostPorts: hostPortsOf(pod),
  };
}
