export * from "./container-config.ts";
export type * from "./image-mounts.ts";
export * from "./images.ts";
export * from "./metered-runtime.ts";
export * from "./resources.ts";
export type * from "./runtime.ts";
export * from "./runtime-handler.ts";
export * from "./sandbox-config.ts";
export * from "./user-namespace.ts";
