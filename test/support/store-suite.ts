// What every store must do, whatever keeps it: run once a log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type Store, type StoreEvent, type StoreLog } from "../../src/control/store/mod.ts";

const bytes = (text: string) => (revision: number) => Buffer.from(`${text}@${revision}`);
const keys = (list: { key: string }[] | "compacted") =>
  list === "compacted" ? list : list.map((kv) => kv.key);

/** `open` gives a new log each time, or with `reopen` one that holds what the last one held. */
export function storeSuite(
  name: string,
  open: () => Promise<{ log: StoreLog; reopen(): StoreLog; clean(): void }>,
): void {
  async function withStore(act: (store: Store, again: () => Promise<Store>) => Promise<void>): Promise<void> {
    const { log, reopen, clean } = await open();
    let store = openStore(log);
    try {
      await act(store, async () => {
        await store.close();
        store = openStore(reopen());
        return store;
      });
    } finally {
      await store.close();
      clean();
    }
  }

  test(`${name}: a key is made once, changed only by who has seen its last version, and removed likewise`, () =>
    withStore(async (s) => {
      const made = await s.put("/a/x", 0, bytes("one"));
      assert.ok(made.ok);
      assert.equal(s.get("/a/x")?.value.toString(), "one@1");
      assert.equal((await s.put("/a/x", 0, bytes("two"))).ok, false);
      assert.equal((await s.put("/a/x", 7, bytes("two"))).ok, false);
      const changed = await s.put("/a/x", 1, bytes("two"));
      assert.ok(changed.ok);
      assert.equal(changed.kv.createRevision, 1);
      assert.equal(changed.kv.modRevision, 2);
      assert.equal((await s.delete("/a/x", 1, bytes("gone"))).ok, false);
      assert.ok((await s.delete("/a/x", 2, bytes("gone"))).ok);
      assert.equal(s.get("/a/x"), undefined);
      assert.equal((await s.delete("/a/x", 2, bytes("gone"))).ok, false);
      assert.equal(s.revision, 3);
    }));

  test(`${name}: of many writers of one version exactly one wins`, () =>
    withStore(async (s) => {
      await s.put("/a/x", 0, bytes("0"));
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => s.put("/a/x", 1, bytes(`${i}`))),
      );
      assert.equal(results.filter((r) => r.ok).length, 1);
      const created = await Promise.all(
        Array.from({ length: 50 }, (_, i) => s.put("/a/y", 0, bytes(`${i}`))),
      );
      assert.equal(created.filter((r) => r.ok).length, 1);
    }));

  test(`${name}: ranges are in order, begin after a key, stop at a limit`, () =>
    withStore(async (s) => {
      const names = Array.from(
        { length: 3000 },
        (_, i) => `/p/${String((i * 7919) % 3000).padStart(5, "0")}`,
      );
      await Promise.all([...names, "/o/x", "/q/x"].map((k) => s.put(k, 0, bytes("v"))));
      assert.deepEqual(keys(s.range("/p/")), [...names].sort());
      assert.equal(s.count("/p/"), 3000);
      assert.deepEqual(keys(s.range("/p/", { after: "/p/01000", limit: 2 })), ["/p/01001", "/p/01002"]);
      assert.deepEqual(keys(s.range("/none/")), []);
    }));

  test(`${name}: an older state of a range can be read until it is compacted`, () =>
    withStore(async (s) => {
      await s.put("/a/1", 0, bytes("v"));
      await s.put("/a/2", 0, bytes("v"));
      const then = s.revision;
      await s.delete("/a/1", 1, bytes("v"));
      await s.put("/a/3", 0, bytes("v"));
      await s.put("/a/2", 2, bytes("w"));
      const old = s.rangeAt("/a/", then);
      assert.deepEqual(keys(old), ["/a/1", "/a/2"]);
      assert.equal(old !== "compacted" && old[1]!.value.toString(), "v@2");
      assert.deepEqual(keys(s.rangeAt("/a/", then, { after: "/a/1", limit: 1 })), ["/a/2"]);
      await s.compact(then + 1);
      assert.equal(s.rangeAt("/a/", then), "compacted");
      assert.notEqual(s.rangeAt("/a/", then + 1), "compacted");
    }));

  test(`${name}: a watch has every event after its revision once and in order, live ones too`, () =>
    withStore(async (s) => {
      for (let i = 0; i < 5; i++) await s.put(`/w/${i}`, 0, bytes("v"));
      await s.put("/other/x", 0, bytes("v"));
      const seen: StoreEvent[] = [];
      const stop = s.watch("/w/", 2, (e) => seen.push(e));
      assert.notEqual(stop, "compacted");
      await Promise.all(Array.from({ length: 20 }, (_, i) => s.put(`/w/live-${i}`, 0, bytes("v"))));
      await s.delete("/w/0", 1, bytes("last"));
      (stop as () => void)();
      await s.put("/w/after", 0, bytes("v"));
      const revisions = seen.map((e) => e.revision);
      assert.deepEqual(
        revisions,
        [...revisions].sort((a, b) => a - b),
      );
      assert.deepEqual(revisions.slice(0, 3), [3, 4, 5]);
      assert.equal(seen.length, 3 + 20 + 1);
      const last = seen.at(-1)!;
      assert.equal(last.type, "DELETE");
      assert.equal(last.kv.value.toString(), `last@${last.revision}`);
      assert.equal(last.prevKv?.value.toString(), "v@1");
      await s.compact(s.revision);
      assert.equal(
        s.watch("/w/", 2, () => {}),
        "compacted",
      );
    }));

  test(`${name}: an event is told only when the write can be read`, () =>
    withStore(async (s) => {
      let wrong = 0;
      s.watch("/a/", 0, (e) => {
        if (s.get(e.kv.key)?.modRevision !== e.revision || s.revision !== e.revision) wrong++;
      });
      await Promise.all(Array.from({ length: 100 }, (_, i) => s.put(`/a/${i}`, 0, bytes("v"))));
      assert.equal(wrong, 0);
    }));

  test(`${name}: opened again it holds the same, counts on, and watches resume`, () =>
    withStore(async (s, again) => {
      await s.put("/a/1", 0, bytes("v"));
      await s.put("/a/2", 0, bytes("v"));
      await s.put("/a/1", 1, bytes("w"));
      await s.delete("/a/2", 2, bytes("gone"));
      const b = await again();
      assert.equal(b.revision, 4);
      assert.deepEqual(keys(b.range("/a/")), ["/a/1"]);
      assert.equal(b.get("/a/1")?.value.toString(), "w@3");
      assert.equal(b.get("/a/1")?.createRevision, 1);
      const seen: StoreEvent[] = [];
      b.watch("/a/", 2, (e) => seen.push(e));
      await b.put("/a/3", 0, bytes("v"));
      assert.deepEqual(
        seen.map((e) => `${e.type} ${e.kv.key} ${e.kv.value} was ${e.prevKv?.value}`),
        ["PUT /a/1 w@3 was v@1", "DELETE /a/2 gone@4 was v@2", "PUT /a/3 v@5 was undefined"],
      );
    }));
}
