export * from "./number-pool.ts";
export * from "./quota-reservation.ts";
export * from "./service-allocation.ts";
