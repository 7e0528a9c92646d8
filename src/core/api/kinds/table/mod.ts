// The door of kinds/table: columns and cells.
export * from "./columns.ts";
export * from "./human-duration.ts";
