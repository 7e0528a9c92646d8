export * from "./conntrack.ts";
export * from "./nft-error.ts";
export * from "./nft-tables.ts";
