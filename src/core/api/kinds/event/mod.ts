// The door of kinds/event.
export * from "./convert.ts";
export * from "./event.ts";
