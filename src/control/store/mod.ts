export * from "./event-window.ts";
export * from "./revisioned-store.ts";
export type * from "./store.ts";
export * from "./store-log.ts";
