export * from "./pod-files.ts";
