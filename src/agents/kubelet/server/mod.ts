export * from "./kubelet-server.ts";
export type * from "./runtime-port.ts";
