// The door of kinds/table: columns and cells.
export { formatLabelSelector, formatLabels } from "../../selector/mod.ts";
export * from "./columns.ts";
export * from "./human-duration.ts";
