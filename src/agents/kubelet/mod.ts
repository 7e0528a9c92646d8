export type * from "./pod-files.ts";
export type * from "./probe-client.ts";
export type * from "./runtime.ts";
