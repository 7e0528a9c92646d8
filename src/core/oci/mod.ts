export * from "./fallback.ts";
export * from "./reference.ts";
