// The door of agents/local-volumes.
export * from "./local-volumes.ts";
