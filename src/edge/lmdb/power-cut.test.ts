// A power cut loses what was not flushed; SIGKILL does not, since the page cache survives it. So the disk is played back from
// the process's own system calls.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cannotRecord, playBack, recordCalls } from "../../../test/support/power-cut.ts";
import { openStore } from "../../control/store/mod.ts";
import { openLmdbLog } from "./mod.ts";

const writer = `
import { writeSync } from "node:fs";
import { openStore } from ${JSON.stringify(new URL("../../control/store/mod.js", import.meta.url).href)};
import { openLmdbLog } from ${JSON.stringify(new URL("./mod.js", import.meta.url).href)};
const store = openStore(openLmdbLog(process.argv[1], { onBroken: () => {} }));
async function work(w) {
  for (let n = 0; n < 25; n++) {
    const key = "/k/" + w + "/" + (n % 6);
    const old = store.get(key);
    const value = (rev) => Buffer.from("v" + rev + "x".repeat(700 * (n % 5)));
    const r = old && n % 4 === 0
      ? await store.delete(key, old.modRevision, value)
      : await store.put(key, old?.modRevision ?? 0, value);
    if (r.ok) writeSync(2, "ack " + r.revision + " " + key + (old && n % 4 === 0 ? " gone" : " there") + "\\n");
  }
}
await Promise.all([0, 1, 2, 3].map(work));
await store.close();
`;

const missing = cannotRecord();
test("after a power cut at any moment every acknowledged write is there", {
  skip: missing ?? false,
  timeout: 120_000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), "portolan-power-"));
  try {
    const home = join(dir, "store");
    mkdirSync(home);
    const calls = recordCalls(writer, [home], join(dir, "trace"));
    const cuts: {
      left: string;
      acks: Map<string, { revision: number; there: boolean }>;
      revision: number;
    }[] = [];
    const acks = new Map<string, { revision: number; there: boolean }>();
    let revision = 0;
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    playBack(
      calls,
      (path) => path.startsWith(home) && path.endsWith("data.mdb"),
      (mark, leave) => {
        const m = /^ack (\d+) (\S+) (there|gone)/.exec(mark);
        if (!m) return;
        acks.set(m[2]!, { revision: Number(m[1]), there: m[3] === "there" });
        revision = Math.max(revision, Number(m[1]));
        // Once nothing else survives, twice some of it does.
        for (const share of [0, 0.5, 0.9]) {
          const left = join(dir, `cut-${cuts.length}`);
          mkdirSync(left);
          leave(join(left, "data.mdb"), () => random() < share);
          cuts.push({ left, acks: new Map(acks), revision });
        }
      },
    );
    assert.ok(cuts.length > 200, `only ${cuts.length} cuts`);
    for (const cut of cuts) {
      const store = openStore(openLmdbLog(cut.left, { onBroken: () => {} }));
      assert.ok(
        store.revision >= cut.revision,
        `revision ${store.revision} after ${cut.revision} was acknowledged`,
      );
      for (const [key, ack] of cut.acks) {
        const found = store.get(key);
        const later = store.revision > cut.revision;
        if (ack.there) assert.ok(found ? found.modRevision >= ack.revision : later, `${key} is lost`);
        else assert.ok(!found || found.modRevision > ack.revision, `${key} is back`);
      }
      await store.close();
      rmSync(cut.left, { recursive: true });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
