export * from "./custom-resources.ts";
export type * from "./discovery.ts";
export * from "./discovery-handler.ts";
export * from "./openapi.ts";
export * from "./version.ts";
