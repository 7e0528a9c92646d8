export * from "./metric-page.ts";
export * from "./process-page.ts";
