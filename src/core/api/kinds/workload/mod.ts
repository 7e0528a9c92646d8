// The door of kinds/workload: kinds that make pods from a template.
export * from "./controller-revision.ts";
export * from "./cron-job.ts";
export * from "./cron-schedule.ts";
export * from "./daemon-set.ts";
export * from "./deployment.ts";
export * from "./job.ts";
export * from "./pod-template.ts";
export * from "./replica-set.ts";
export * from "./replication-controller.ts";
export * from "./stateful-set.ts";
