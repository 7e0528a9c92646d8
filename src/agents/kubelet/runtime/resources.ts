// From resource requests and limits to what the kernel is told: cpu shares and quota, memory limit, OOM score, QoS class
// (kubelet cm/helpers, qos/policy; KEP-1287 for the arithmetic's floors).
import { qosClass } from "../../../core/api/kinds/pod/qos-class.ts";
import { quantityMilliValue, quantityValue } from "../../../core/api/quantity/mod.ts";
import type { Container, Pod } from "../../../core/api/types.ts";
import type { LinuxResources } from "./runtime.ts";

const minShares = 2;
const maxShares = 262_144;
const period = 100_000;
const minQuota = 1000;

type Amounts = Record<string, string> | undefined;

export const milliCpu = (amounts: Amounts): number => (amounts?.cpu ? quantityMilliValue(amounts.cpu) : 0);
export const memoryBytes = (amounts: Amounts): number =>
  amounts?.memory ? quantityValue(amounts.memory) : 0;

/** 1024 shares a core. */
export function cpuShares(milli: number): number {
  if (milli <= 0) return minShares;
  return Math.min(maxShares, Math.max(minShares, Math.floor((milli * 1024) / 1000)));
}

/** Microseconds of CPU a 100 ms period; undefined: no limit. */
export function cpuQuota(milli: number): number | undefined {
  return milli > 0 ? Math.max(minQuota, Math.floor((milli * period) / 1000)) : undefined;
}

/** -997 guaranteed, 1000 best effort, in between by the share of the machine's memory that was requested. */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  if ((pod.spec?.priority ?? 0) >= 2_000_000_000) return -997;
  switch (qosClass(pod.spec!)) {
    case "Guaranteed":
      return -997;
    case "BestEffort":
      return 1000;
    case "Burstable": {
      const request = memoryBytes(container.resources?.requests);
      const score = 1000 - Math.floor((1000 * request) / memoryCapacity);
      return Math.min(999, Math.max(3, score));
    }
  }
}

export function linuxResources(pod: Pod, container: Container, memoryCapacity: number): LinuxResources {
  const { requests, limits } = container.resources ?? {};
  const request =
    requests?.cpu === undefined && limits?.cpu !== undefined ? milliCpu(limits) : milliCpu(requests);
  const quota = cpuQuota(milliCpu(limits));
  const memory = memoryBytes(limits);
  return {
    cpuShares: cpuShares(request),
    ...(quota ? { cpuPeriod: period, cpuQuota: quota } : {}),
    ...(memory > 0 ? { memoryLimitInBytes: memory } : {}),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacity),
  };
}

/** `/<root>/<qos>/pod<uid>`; guaranteed pods stand directly under the root, as the kubelet has them. */
export function cgroupParent(root: string, pod: Pod): string {
  const qos = qosClass(pod.spec!);
  const middle = qos === "Guaranteed" ? "" : `/${qos.toLowerCase()}`;
  return `${root}${middle}/pod${pod.metadata.uid}`;
}
