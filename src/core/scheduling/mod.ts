export * from "./node-selection.ts";
