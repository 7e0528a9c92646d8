// The door of kinds/workload: kinds that make pods from a template.
export * from "./deployment.ts";
export * from "./replica-set.ts";
export * from "./replication-controller.ts";
