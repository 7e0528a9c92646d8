export * from "./admission.ts";
export * from "./node-loop.ts";
export * from "./node-object.ts";
