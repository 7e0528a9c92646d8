// The door of kinds/service.
export * from "./allocated-values.ts";
export * from "./ip-families.ts";
export * from "./needs.ts";
export { programmedCondition } from "./programmed.ts";
export * from "./service.ts";
export { validatePortNumberOrName } from "./validate-ports.ts";
