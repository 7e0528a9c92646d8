// The door of kinds/pod/validation.

export { validatePodCreate } from "./pod.ts";
export { validateResize } from "./resize.ts";
export { isExtendedResource, validateOverhead } from "./resources.ts";
export { validateAffinity, validateNodeSelector, validateTolerations } from "./scheduling.ts";
export { validatePodSpec } from "./spec.ts";
export { validatePodStatusUpdate } from "./status.ts";
export { validateTemplate } from "./template.ts";
export { validateEphemeralContainersUpdate, validatePodUpdate } from "./update.ts";
