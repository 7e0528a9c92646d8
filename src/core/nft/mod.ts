export * from "./diff.ts";
export * from "./objects.ts";
export * from "./parse-listing.ts";
export * from "./print.ts";
