export { startTaintEviction } from "./loop.ts";
