// The door of kinds/pod.
export * from "./pod.ts";
export * from "./status-cell.ts";
