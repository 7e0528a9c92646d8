export type * from "./client.ts";
export * from "./event-recorder.ts";
export * from "./informer.ts";
export * from "./informers.ts";
export * from "./log.ts";
export * from "./pause.ts";
export * from "./process-facts.ts";
export type * from "./upgrade.ts";
export * from "./work-queue.ts";
