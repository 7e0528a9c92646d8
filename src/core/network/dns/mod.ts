// The door of core/network/dns: API objects in, DNS answers out.
export * from "./answer.ts";
export * from "./answer-table.ts";
export * from "./cluster-directory.ts";
export * from "./constants.ts";
export * from "./message-writer.ts";
export * from "./query.ts";
export * from "./record.ts";
export * from "./relayed-message.ts";
export * from "./resolve-name.ts";
export * from "./reverse-zones.ts";
