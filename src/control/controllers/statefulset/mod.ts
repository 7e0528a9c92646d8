export { startStatefulSets } from "./loop.ts";
