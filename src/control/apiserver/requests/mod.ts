export * from "./codec.ts";
export * from "./delete-options.ts";
export * from "./list-options.ts";
export * from "./negotiate.ts";
export * from "./patch-type.ts";
export * from "./request-body.ts";
export * from "./request-info.ts";
export * from "./request-options.ts";
