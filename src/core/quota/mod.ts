// The door of core/quota.
export * from "./quota-usage.ts";
export * from "./scopes.ts";
export * from "./usage.ts";
