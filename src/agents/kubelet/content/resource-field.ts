// Downward API resource fields: `limits.cpu` with a divisor (core/v1 ResourceFieldSelector, pkg/api/v1/resource).
import { quantityMilliValue, quantityValue } from "../../../core/api/quantity/mod.ts";
import type { Container } from "../../../core/api/types.ts";

/** What a missing limit counts as. */
export interface Allocatable {
  milliCpu: number;
  memoryBytes: number;
  storageBytes: number;
}

/** The amount divided by the divisor, rounded up; undefined for a field that does not exist. */
export function resourceFieldValue(
  container: Container,
  resource: string,
  divisor: string | undefined,
  node: Allocatable,
): string | undefined {
  const m = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource);
  if (!m) return undefined;
  const [, kind, name] = m as unknown as [string, "limits" | "requests", string];
  const { limits, requests } = container.resources ?? {};
  const amount = kind === "limits" ? limits?.[name] : (requests?.[name] ?? limits?.[name]);
  const zero = divisor === undefined || divisor === "" || divisor === "0";
  if (name === "cpu") {
    const missing = kind === "limits" ? node.milliCpu : 0;
    const value = amount !== undefined ? quantityMilliValue(amount) || missing : missing;
    return String(Math.ceil(value / (zero ? 1000 : quantityMilliValue(divisor))));
  }
  const whole = name === "memory" ? node.memoryBytes : name === "ephemeral-storage" ? node.storageBytes : 0;
  const missing = kind === "limits" ? whole : 0;
  const value = amount !== undefined ? quantityValue(amount) || missing : missing;
  return String(Math.ceil(value / (zero ? 1 : quantityValue(divisor))));
}
