export * from "./field-selector.ts";
export * from "./label-selector.ts";
export * from "./label-syntax.ts";
export * from "./parse-label-selector.ts";
export * from "./requirement.ts";
