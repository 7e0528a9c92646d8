export type * from "./content/pod-files.ts";
export * from "./kubelet.ts";
export * from "./metrics.ts";
export type { MachineFacts, MachineRoom } from "./node/mod.ts";
export type * from "./probes/probe-client.ts";
export type * from "./runtime/image-mounts.ts";
export type * from "./runtime/runtime.ts";
export * from "./server/mod.ts";
