export * from "./kubelet.ts";
export type { MachineFacts, MachineRoom } from "./node-object.ts";
export type * from "./pod-files.ts";
export type * from "./probe-client.ts";
export type * from "./runtime.ts";
export * from "./server/mod.ts";
