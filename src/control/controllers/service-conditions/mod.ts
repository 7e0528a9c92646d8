export { startServiceConditions } from "./loop.ts";
