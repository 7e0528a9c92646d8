export * from "./number-pool.ts";
export * from "./service-allocation.ts";
