import assert from "node:assert/strict";
import { test } from "node:test";
import { storeSuite } from "../../../test/support/store-suite.ts";
import { createMemoryLog, openStore, type StoreLog } from "./mod.ts";

storeSuite("memory", async () => {
  const log = createMemoryLog();
  return { log, reopen: () => log, clean() {} };
});

const bytes = (text: string) => (revision: number) => Buffer.from(`${text}@${revision}`);

/** A log whose appends can be made to fail, before or after the disk has them. */
function faultyLog(): { log: StoreLog; fail: "no" | "before" | "after" } {
  const inner = createMemoryLog();
  const faulty = {
    fail: "no" as "no" | "before" | "after",
    log: {
      ...inner,
      async append(events, compactTo) {
        if (faulty.fail === "before") throw new Error("ENOSPC: no space left on device");
        await inner.append(events, compactTo);
        if (faulty.fail === "after") throw new Error("EIO: i/o error");
      },
    } as StoreLog,
  };
  return faulty;
}

async function recovered(store: { failure: string }): Promise<void> {
  for (let i = 0; i < 100 && store.failure !== ""; i++) await new Promise((r) => setTimeout(r, 20));
  assert.equal(store.failure, "");
}

test("a write that fails is refused, not seen and not told; writes go on when the disk does", async () => {
  const f = faultyLog();
  const store = openStore(f.log);
  await store.put("/a/1", 0, bytes("v"));
  const told: string[] = [];
  store.watch("/a/", 0, (e) => told.push(e.kv.key));
  f.fail = "before";
  const refused = await Promise.allSettled([
    store.put("/a/2", 0, bytes("v")),
    store.put("/a/3", 0, bytes("v")),
    store.put("/a/1", 1, bytes("w")),
  ]);
  assert.ok(refused.every((r) => r.status === "rejected"));
  assert.match(store.failure, /ENOSPC/);
  await assert.rejects(store.put("/a/4", 0, bytes("v")), /ENOSPC/);
  assert.equal(store.get("/a/2"), undefined);
  assert.equal(store.get("/a/1")?.value.toString(), "v@1");
  f.fail = "no";
  await recovered(store);
  const made = await store.put("/a/5", 0, bytes("v"));
  assert.ok(made.ok && made.revision > 4, "a revision that was handed out is not handed out again");
  assert.deepEqual(told, ["/a/1", "/a/5"]);
  await store.close();
});

test("a write that failed but is on the disk is told once the disk is read again", async () => {
  const f = faultyLog();
  const store = openStore(f.log);
  const told: string[] = [];
  store.watch("/a/", 0, (e) => told.push(`${e.kv.key} ${e.revision}`));
  f.fail = "after";
  await assert.rejects(store.put("/a/1", 0, bytes("v")), /EIO/);
  assert.deepEqual(told, []);
  f.fail = "no";
  await recovered(store);
  assert.deepEqual(told, ["/a/1 1"]);
  assert.equal((await store.put("/a/1", 0, bytes("w"))).ok, false);
  await store.close();
});

test("the window of events is bounded by number, by bytes and by age", async () => {
  let now = 0;
  const bounds = { maxEvents: 50, minEvents: 10, keepMs: 1000, maxBytes: 1 << 20 };
  const store = openStore(createMemoryLog(), { bounds, now: () => now });
  for (let i = 0; i < 80; i++) await store.put(`/a/${i}`, 0, bytes("v"));
  assert.equal(store.compactedRevision, 30);
  now = 5000;
  await store.put("/a/x", 0, bytes("v"));
  assert.equal(store.compactedRevision, 71);
  await store.close();
});

test("what waits is bounded", async () => {
  const inner = createMemoryLog();
  const appends: (() => void)[] = [];
  const log: StoreLog = {
    ...inner,
    append: (events, to) => new Promise<void>((r) => appends.push(r)).then(() => inner.append(events, to)),
  };
  const appending = async (): Promise<() => void> => {
    while (appends.length === 0) await new Promise((r) => setImmediate(r));
    return appends.shift()!;
  };
  const store = openStore(log, { maxQueue: 10 });
  const first = store.put("/a/first", 0, bytes("v"));
  const release = await appending();
  const waiting = Array.from({ length: 10 }, (_, i) => store.put(`/a/${i}`, 0, bytes("v")));
  await assert.rejects(store.put("/a/more", 0, bytes("v")), /too many writes/);
  release();
  await first;
  (await appending())();
  await Promise.all(waiting);
  await store.close();
});
