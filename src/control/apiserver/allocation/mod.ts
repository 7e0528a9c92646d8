export { type AllocationMetrics, createAllocationMetrics } from "./allocation-metrics.ts";
export * from "./number-pool.ts";
export * from "./quota-reservation.ts";
export * from "./service-allocation.ts";
