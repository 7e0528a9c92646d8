export * from "./host-routes.ts";
export * from "./ip.ts";
