export * from "./build-offline-image.ts";
export * from "./catalogue.ts";
export * from "./containerd-template.ts";
export * from "./ensure-images.ts";
export type * from "./spec.ts";
