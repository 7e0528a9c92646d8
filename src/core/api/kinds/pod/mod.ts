// The door of kinds/pod.
export { setPodDefaults, setPodSpecDefaults, syncServiceAccount } from "./defaults.ts";
export * from "./pod.ts";
export * from "./qos-class.ts";
export { aggregateResources } from "./resource-list.ts";
export { deprecatedNodeLabel } from "./scheduling-warnings.ts";
export * from "./sidecar.ts";
export * from "./status-cell.ts";
export { prepareEphemeralContainersUpdate, prepareResize } from "./strategy.ts";
export {
  isExtendedResource,
  validateEphemeralContainersUpdate,
  validateNodeSelector,
  validateOverhead,
  validateResize,
  validateTemplate,
  validateTolerations,
} from "./validation/mod.ts";
export { podWarnings } from "./warnings.ts";
