export { startResourceQuotas } from "./loop.ts";
