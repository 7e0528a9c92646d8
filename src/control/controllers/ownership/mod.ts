export * from "./claim.ts";
export * from "./controller-ref.ts";
export * from "./pending-deletions.ts";
export * from "./wake-owners.ts";
