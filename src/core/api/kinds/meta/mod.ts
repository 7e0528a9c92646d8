// The door of kinds/meta: what every kind's validation is made of.
export * from "./conditions.ts";
export * from "./field.ts";
export * from "./ip.ts";
export * from "./label-selector.ts";
export * from "./names.ts";
export * from "./object-meta.ts";
export * from "./semantic-equal.ts";
