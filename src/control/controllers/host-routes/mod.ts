export { startHostRoutes } from "./loop.ts";
export type * from "./ports.ts";
