// Which limits of local ephemeral storage a pod has, and which of them it exceeds (kubelet eviction manager,
// localStorageEviction; the pod's sum as KEP-753 counts init containers).
import { isSidecar } from "../../../core/api/kinds/pod/sidecar.ts";
import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  printQuantity,
  type Quantity,
  quantityValue,
} from "../../../core/api/quantity/mod.ts";
import type { Container, Pod, Volume } from "../../../core/api/types.ts";

/** Bytes of disk in use. */
export interface StorageUsage {
  /** emptyDirs on disk and configMaps, by the volume's name. */
  volumes: ReadonlyMap<string, number>;
  /** Containers that run. */
  containers: readonly { name: string; writableLayer: number; logs: number }[];
  /** Files that the node keeps for the pod. */
  rest: number;
}

export interface Excess {
  /** The limit's name in the kubelet's metrics. */
  signal: "emptydirfs.limit" | "ephemeralpodfs.limit" | "ephemeralcontainerfs.limit";
  /** The words of the pod's status and event. */
  message: string;
}

/** From here on a pod is of the system's own and is not evicted (system-cluster-critical). */
const criticalPriority = 2_000_000_000;

/** Whether the volume takes its room from this machine's disk. */
export const isOnDisk = (volume: Volume): boolean =>
  volume.configMap !== undefined || (volume.emptyDir !== undefined && !volume.emptyDir.medium);

function sizeLimitOf(volume: Volume): Quantity | undefined {
  if (!volume.emptyDir?.sizeLimit || !isOnDisk(volume)) return undefined;
  const limit = parseQuantity(volume.emptyDir.sizeLimit);
  return limit.unscaled > 0n ? limit : undefined;
}

function limitOf(container: Container): Quantity | undefined {
  const text = container.resources?.limits?.["ephemeral-storage"];
  return text === undefined ? undefined : parseQuantity(text);
}

const sum = (a: Quantity | undefined, b: Quantity | undefined): Quantity | undefined =>
  a && b ? addQuantities(a, b) : (a ?? b);

const larger = (a: Quantity | undefined, b: Quantity | undefined): Quantity | undefined =>
  a && b ? (compareQuantities(b, a) > 0 ? b : a) : (a ?? b);

/** What all of the pod may use: the limits that are set, whoever has none; undefined where nobody has one. */
export function podStorageLimit(pod: Pod): Quantity | undefined {
  let total: Quantity | undefined;
  for (const container of pod.spec!.containers) total = sum(total, limitOf(container));
  let sidecars: Quantity | undefined;
  let most: Quantity | undefined;
  for (const container of pod.spec!.initContainers ?? []) {
    const limit = limitOf(container);
    if (isSidecar(container)) {
      total = sum(total, limit);
      sidecars = sum(sidecars, limit);
      most = larger(most, sidecars);
    } else most = larger(most, sum(limit, sidecars));
  }
  total = larger(total, most);
  const overhead = pod.spec!.overhead?.["ephemeral-storage"];
  return total && total.unscaled !== 0n && overhead ? addQuantities(total, parseQuantity(overhead)) : total;
}

/** Whether the pod's usage is worth a look: it has a limit, and may be evicted for it. */
export function hasStorageLimit(pod: Pod): boolean {
  if ((pod.spec?.priority ?? 0) >= criticalPriority) return false;
  return (
    (pod.spec?.volumes ?? []).some((v) => sizeLimitOf(v) !== undefined) || podStorageLimit(pod) !== undefined
  );
}

const exceeds = (bytes: number, limit: Quantity): boolean => BigInt(bytes) > BigInt(quantityValue(limit));

/** The first limit that the pod exceeds: a volume's, then the whole pod's, then a container's. */
export function excessOf(pod: Pod, usage: StorageUsage): Excess | undefined {
  for (const volume of pod.spec?.volumes ?? []) {
    const limit = sizeLimitOf(volume);
    if (!limit || !exceeds(usage.volumes.get(volume.name) ?? 0, limit)) continue;
    const message = `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${printQuantity(limit)}". `;
    return { signal: "emptydirfs.limit", message };
  }
  const whole = podStorageLimit(pod);
  let total = usage.rest;
  for (const bytes of usage.volumes.values()) total += bytes;
  for (const c of usage.containers) total += c.writableLayer + c.logs;
  if (whole && exceeds(total, whole)) {
    const message = `Pod ephemeral local storage usage exceeds the total limit of containers ${printQuantity(whole)}. `;
    return { signal: "ephemeralpodfs.limit", message };
  }
  for (const used of usage.containers) {
    const container = pod.spec!.containers.find((c) => c.name === used.name);
    const limit = container && limitOf(container);
    if (!limit || limit.unscaled === 0n || !exceeds(used.writableLayer + used.logs, limit)) continue;
    const message = `Container ${used.name} exceeded its local ephemeral storage limit "${printQuantity(limit)}". `;
    return { signal: "ephemeralcontainerfs.limit", message };
  }
  return undefined;
}
