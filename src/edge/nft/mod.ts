export * from "./conntrack.ts";
export * from "./nft-tables.ts";
