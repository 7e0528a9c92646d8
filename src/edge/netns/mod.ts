export * from "./host-routes.ts";
export * from "./ip.ts";
export * from "./route-watch.ts";
