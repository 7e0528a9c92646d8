export { startCronJobs } from "./loop.ts";
