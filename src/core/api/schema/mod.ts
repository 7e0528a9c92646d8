export * from "./decode.ts";
export * from "./prune.ts";
export * from "./schema.ts";
export { parseTime, printMicroTime, printTime } from "./time.ts";
