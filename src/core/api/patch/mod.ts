export * from "./apply-patch.ts";
export { printGoValue } from "./go-value.ts";
export { applyJsonPatch, jsonEqual, PatchFailure } from "./json-patch.ts";
export { applyMergePatch } from "./merge-patch.ts";
export { readPatch } from "./read-patch.ts";
export { StrategicPatchError, strategicMerge } from "./strategic-merge.ts";
