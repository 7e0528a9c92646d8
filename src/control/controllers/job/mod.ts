export { startJobs } from "./loop.ts";
