export { startPodCollection } from "./loop.ts";
