// The door of core/net: addresses and ranges as strict values, and how they are named to people.
export * from "./cidr.ts";
export * from "./dial-error.ts";
export * from "./host-port.ts";
export * from "./ip.ts";
export * from "./ip-family.ts";
