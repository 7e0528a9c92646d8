export { startDeployments } from "./loop.ts";
