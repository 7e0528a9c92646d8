export * from "./lmdb-log.ts";
