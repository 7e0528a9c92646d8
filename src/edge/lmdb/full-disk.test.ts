// A disk that is full: writes are refused, nothing that was acknowledged is lost, and writes go on once there is space.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const drill = `
import assert from "node:assert/strict";
import { unlinkSync } from "node:fs";
import { openStore } from ${JSON.stringify(new URL("../../control/store/mod.js", import.meta.url).href)};
import { openLmdbLog } from ${JSON.stringify(new URL("./mod.js", import.meta.url).href)};
process.on("unhandledRejection", () => {});
const dir = process.argv[1];
const value = Buffer.alloc(20000, 65);
const store = openStore(openLmdbLog(dir + "/db", { onBroken: () => {} }));
const acknowledged = new Map();
const told = new Set();
store.watch("/k/", 0, (e) => told.add(e.revision));
let refused = 0;
for (let i = 0; i < 400 && refused < 3; i++) {
  try {
    const r = await store.put("/k/" + i, 0, () => value);
    acknowledged.set("/k/" + i, r.revision);
  } catch (error) {
    refused++;
    assert.match(error.message, /cannot grow: ENOSPC/);
    assert.equal(store.failure, "", "one that wrote nothing stops no other");
    assert.equal(store.get("/k/" + i), undefined, "a refused write is seen");
  }
}
assert.equal(refused, 3);
for (const [key, revision] of acknowledged) assert.equal(store.get(key)?.modRevision, revision);
unlinkSync(dir + "/ballast");
const after = await store.put("/k/after", 0, () => value);
assert.ok(after.ok);
assert.ok(told.has(after.revision));
await store.close();
const again = openStore(openLmdbLog(dir + "/db", { onBroken: () => {} }));
for (const [key, revision] of acknowledged) assert.equal(again.get(key)?.modRevision, revision, key + " is lost");
assert.ok(again.get("/k/after"));
await again.close();
console.log("kept", acknowledged.size);
`;

test("a full disk fails the write, never the data", { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), "portolan-full-"));
  try {
    // A small file system that only this process and its children see.
    const shell =
      'mount -t tmpfs -o size=4m none "$1" && head -c 1500000 /dev/zero > "$1/ballast" && shift && exec "$@"';
    const node = [process.execPath, "--input-type=module", "-e", drill, dir];
    const run = spawnSync("unshare", ["--mount", "sh", "-c", shell, "sh", dir, ...node], {
      encoding: "utf8",
    });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /kept [1-9]\d+/);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
