export * from "./health.ts";
export * from "./load-table.ts";
export type * from "./ports.ts";
export * from "./start-proxy.ts";
