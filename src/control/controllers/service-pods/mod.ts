export * from "./endpoint-ports.ts";
export * from "./selected-pods.ts";
export * from "./trigger-times.ts";
