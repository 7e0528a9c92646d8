export { startPersistentVolumes } from "./loop.ts";
