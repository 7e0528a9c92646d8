export * from "./handler-call.ts";
export type * from "./probe-client.ts";
export * from "./probes.ts";
