export { startEndpoints } from "./loop.ts";
