export * from "./runtime-audit.ts";
export type * from "./state.ts";
export * from "./status-writer.ts";
export * from "./worker.ts";
