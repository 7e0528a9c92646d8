export * from "./deletion-order.ts";
export * from "./pod-from-template.ts";
export * from "./pod-state.ts";
