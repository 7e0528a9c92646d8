export * from "./storage-limits.ts";
export * from "./storage-usage.ts";
export * from "./storage-watch.ts";
