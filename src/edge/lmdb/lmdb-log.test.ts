import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { storeSuite } from "../../../test/support/store-suite.ts";
import { openStore } from "../../control/store/mod.ts";
import { openLmdbLog } from "./mod.ts";

const newDir = (): string => mkdtempSync(join(tmpdir(), "portolan-lmdb-"));

storeSuite("lmdb", async () => {
  const dir = newDir();
  return {
    log: openLmdbLog(dir, { onBroken: () => {} }),
    reopen: () => openLmdbLog(dir, { onBroken: () => {} }),
    clean: () => rmSync(dir, { recursive: true, force: true }),
  };
});

/** Writes as fast as it can and prints each write that was acknowledged, until it is killed. */
const writer = `
import { openStore } from ${JSON.stringify(new URL("../../control/store/mod.js", import.meta.url).href)};
import { openLmdbLog } from ${JSON.stringify(new URL("./mod.js", import.meta.url).href)};
const store = openStore(openLmdbLog(process.argv[1], { onBroken: () => {} }));
let n = store.revision;
const last = new Map();
async function work(w) {
  for (;;) {
    const key = "/k/" + w + "/" + (n++ % 50);
    const old = store.get(key);
    const r = old && n % 7 === 0
      ? await store.delete(key, old.modRevision, (rev) => Buffer.from("d" + rev))
      : await store.put(key, old?.modRevision ?? 0, (rev) => Buffer.from("v" + rev));
    if (r.ok) process.stdout.write(r.revision + " " + key + " " + r.kv.value + "\\n");
  }
}
for (let w = 0; w < 20; w++) work(w);
`;

test("killed at any moment, every acknowledged write is there and revisions go on", {
  timeout: 60_000,
}, async () => {
  const dir = newDir();
  try {
    let highest = 0;
    const acknowledged = new Map<string, { revision: number; value: string }>();
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", writer, dir], {
        cwd: fileURLToPath(new URL(".", import.meta.url)),
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (d: string) => {
        text += d;
      });
      const gone = new Promise((r) => child.on("close", r));
      while (text.length < 20_000) await new Promise((r) => setTimeout(r, 10));
      await new Promise((r) => setTimeout(r, 37 * round));
      child.kill("SIGKILL");
      await gone;
      const lines = text.slice(0, text.lastIndexOf("\n")).split("\n");
      assert.ok(lines.length > 100);
      for (const line of lines) {
        const [revision, key, value] = line.split(" ") as [string, string, string];
        assert.ok(Number(revision) > 0);
        acknowledged.set(key, { revision: Number(revision), value });
        highest = Math.max(highest, Number(revision));
      }
      const store = openStore(openLmdbLog(dir, { onBroken: () => {} }));
      try {
        assert.ok(store.revision >= highest, `revision ${store.revision} is behind ${highest}`);
        for (const [key, { revision, value }] of acknowledged) {
          const kv = store.get(key);
          // A later write may have reached the disk without being acknowledged; nothing earlier may be there.
          if (kv === undefined) {
            const later = eventsOf(store, key).at(-1);
            assert.ok(value.startsWith("d") || (later && later > revision), `${key} is lost`);
          } else assert.ok(kv.modRevision > revision || kv.value.toString() === value, `${key} went back`);
        }
        let last = store.compactedRevision;
        const stop = store.watch("/k/", store.compactedRevision, (e) => {
          assert.equal(e.revision, last + 1, "a gap in the events");
          last = e.revision;
        });
        assert.notEqual(stop, "compacted");
        assert.equal(last, store.revision);
        highest = store.revision;
      } finally {
        await store.close();
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

function eventsOf(store: ReturnType<typeof openStore>, key: string): number[] {
  const found: number[] = [];
  const stop = store.watch(key, store.compactedRevision, (e) => found.push(e.revision));
  if (stop !== "compacted") stop();
  return found;
}
