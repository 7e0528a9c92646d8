export * from "./plan.ts";
export * from "./sync.ts";
