export * from "./containerd-runtime.ts";
