// The door of kinds/service.
export * from "./service.ts";
