export { scaledValue } from "./bounds.ts";
export { startDeployments } from "./loop.ts";
export { templateHash } from "./template-hash.ts";
