export * from "./host-ports.ts";
export * from "./node-selection.ts";
export * from "./pod-resources.ts";
export * from "./volume-binding.ts";
