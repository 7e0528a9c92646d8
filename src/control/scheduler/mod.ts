export { type SchedulerOptions, startScheduler } from "./loop.ts";
