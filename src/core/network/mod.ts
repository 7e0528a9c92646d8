export * from "./adopt.ts";
export type * from "./facts.ts";
export * from "./layout.ts";
export * from "./resolve-service.ts";
export * from "./route-connection.ts";
export type * from "./routing.ts";
export * from "./select-endpoints.ts";
export * from "./service-plan.ts";
export * from "./stale-flows.ts";
