// What is given out of each range, under kube-apiserver's own names (kubernetes pkg/registry/core/service/ipallocator and
// portallocator, metrics.go).
import type { MetricPage } from "../../../core/metrics/mod.ts";

/** Asked for by name, or any. */
export type AllocationScope = "static" | "dynamic";

/** How full a range is. */
export interface RangeUse {
  cidr: string;
  allocated: number;
  available: number;
}

export interface AllocationMetrics {
  /** One attempt to take an address of a range. */
  address(cidr: string, scope: AllocationScope, ok: boolean): void;
  nodePort(scope: AllocationScope, ok: boolean): void;
  /** Asked before the page is printed. */
  watch(now: () => { ranges: readonly RangeUse[]; nodePorts: Omit<RangeUse, "cidr"> }): void;
}

export const noAllocationMetrics: AllocationMetrics = { address() {}, nodePort() {}, watch() {} };

export function createAllocationMetrics(page: MetricPage): AllocationMetrics {
  const ips = "kube_apiserver_clusterip_allocator";
  const ports = "kube_apiserver_nodeport_allocator";
  const allocatedIPs = page.gauge(
    `${ips}_allocated_ips`,
    "Gauge measuring the number of allocated IPs for Services",
    ["cidr"],
  );
  const availableIPs = page.gauge(
    `${ips}_available_ips`,
    "Gauge measuring the number of available IPs for Services",
    ["cidr"],
  );
  const ipAllocations = page.counter(`${ips}_allocation_total`, "Number of Cluster IPs allocations", [
    "cidr",
    "scope",
  ]);
  const ipErrors = page.counter(
    `${ips}_allocation_errors_total`,
    "Number of errors trying to allocate Cluster IPs",
    ["cidr", "scope"],
  );
  const allocatedPorts = page.gauge(
    `${ports}_allocated_ports`,
    "Gauge measuring the number of allocated NodePorts for Services",
  );
  const availablePorts = page.gauge(
    `${ports}_available_ports`,
    "Gauge measuring the number of available NodePorts for Services",
  );
  const portAllocations = page.counter(`${ports}_allocation_total`, "Number of NodePort allocations", [
    "scope",
  ]);
  const portErrors = page.counter(
    `${ports}_allocation_errors_total`,
    "Number of errors trying to allocate NodePort",
    ["scope"],
  );
  return {
    address: (cidr, scope, ok) => (ok ? ipAllocations : ipErrors).with(cidr, scope).add(),
    nodePort: (scope, ok) => (ok ? portAllocations : portErrors).with(scope).add(),
    watch(now) {
      page.onText(() => {
        const { ranges, nodePorts } = now();
        allocatedIPs.clear();
        availableIPs.clear();
        for (const { cidr, allocated, available } of ranges) {
          allocatedIPs.with(cidr).set(allocated);
          availableIPs.with(cidr).set(available);
        }
        allocatedPorts.with().set(nodePorts.allocated);
        availablePorts.with().set(nodePorts.available);
      });
    },
  };
}
