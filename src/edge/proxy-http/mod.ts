export * from "./health-ports.ts";
export * from "./proxy-http.ts";
