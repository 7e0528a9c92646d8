export * from "./command-error.ts";
export * from "./run.ts";
