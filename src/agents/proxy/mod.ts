export type * from "./ports.ts";
export * from "./start-proxy.ts";
