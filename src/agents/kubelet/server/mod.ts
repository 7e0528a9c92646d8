export * from "./kubelet-server.ts";
export { type LogRotationOptions, runLogRotation } from "./log-rotation.ts";
export type * from "./runtime-port.ts";
