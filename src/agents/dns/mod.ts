// The door of agents/dns.
export type * from "./ports.ts";
export * from "./start-dns.ts";
