export * from "./addresses.ts";
export * from "./advise-service.ts";
export * from "./finding.ts";
export { type Candidate, isAlike, matchesLabels } from "./nearest-miss.ts";
export type { Surroundings } from "./no-pods.ts";
export type { ProbeFailure } from "./pod-trouble.ts";
export * from "./told.ts";
