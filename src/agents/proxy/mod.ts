export * from "./health.ts";
export type * from "./ports.ts";
export * from "./start-proxy.ts";
