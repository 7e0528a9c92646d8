export * from "./apply.ts";
export { type Comparison, compare } from "./compare.ts";
export type { Fields } from "./fields.ts";
export { type ManagerIdentity, managerOf } from "./managers.ts";
export { trackUpdate, type UpdateRequest } from "./track-update.ts";
