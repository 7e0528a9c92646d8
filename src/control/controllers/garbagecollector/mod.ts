export { startGarbageCollector } from "./loop.ts";
