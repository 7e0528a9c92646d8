export * from "./frame.ts";
export type * from "./header-block.ts";
