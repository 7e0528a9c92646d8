export * from "./log-line.ts";
export * from "./log-options.ts";
export * from "./log-tail.ts";
