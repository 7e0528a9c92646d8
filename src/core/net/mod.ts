// The door of core/net: addresses and ranges as strict values.
export * from "./cidr.ts";
export * from "./ip.ts";
