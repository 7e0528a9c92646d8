export * from "./arithmetic.ts";
export * from "./quantity.ts";
