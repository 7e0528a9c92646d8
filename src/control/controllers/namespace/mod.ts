export { startNamespaces } from "./loop.ts";
