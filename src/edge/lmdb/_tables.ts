// The log's three tables in one LMDB file, and the room kept behind them.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { type FileReserve, openFileReserve } from "./_file-reserve.ts";

export interface Tables {
  root: RootDatabase;
  entries: Database<Buffer, string>;
  events: Database<Buffer, number>;
  meta: Database<Buffer, string>;
  reserve: FileReserve;
}

export function openTables(dir: string): Tables {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const root = open({
    path: dir,
    maxDbs: 4,
    // A resolved write must mean a flushed one.
    overlappingSync: false,
    encoding: "binary",
    cache: false,
  });
  const table = { encoding: "binary", cache: false } as const;
  return {
    root,
    reserve: openFileReserve(join(dir, "data.mdb")),
    entries: root.openDB({ name: "entries", ...table }),
    events: root.openDB({ name: "events", ...table }),
    meta: root.openDB({ name: "meta", ...table }),
  };
}
