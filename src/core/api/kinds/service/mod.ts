// The door of kinds/service.
export * from "./allocated-values.ts";
export { programmedCondition, servingCondition } from "./conditions.ts";
export * from "./ip-families.ts";
export * from "./needs.ts";
export * from "./service.ts";
export { validatePortNumberOrName } from "./validate-ports.ts";
