export * from "./answer.ts";
export * from "./list-response.ts";
export * from "./representation.ts";
export * from "./watch-frames.ts";
export * from "./watch-response.ts";
