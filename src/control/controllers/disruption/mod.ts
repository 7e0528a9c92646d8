export { startDisruption } from "./loop.ts";
