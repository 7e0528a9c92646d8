export * from "./client.ts";
export * from "./watch-lines.ts";
