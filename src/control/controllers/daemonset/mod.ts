export { startDaemonSets } from "./loop.ts";
