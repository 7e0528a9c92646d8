export { startNodeLifecycle } from "./loop.ts";
