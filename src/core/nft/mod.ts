export * from "./diff.ts";
export * from "./fake-nft.ts";
export * from "./objects.ts";
export * from "./parse-listing.ts";
export * from "./print.ts";
export * from "./rule.ts";
export * from "./walk-packet.ts";
