export * from "./objects.ts";
export * from "./print.ts";
