export * from "./client.ts";
export * from "./listen.ts";
export * from "./upgrade.ts";
export * from "./watch-lines.ts";
