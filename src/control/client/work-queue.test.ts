import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorkQueue } from "./work-queue.ts";

test("a key added while it is worked on is worked on once more, never twice at a time", async () => {
  const stop = new AbortController();
  let running = 0;
  let runs = 0;
  const queue = createWorkQueue({
    workers: 3,
    async work(key) {
      assert.equal(++running, 1);
      runs++;
      if (runs === 1) {
        queue.add(key);
        queue.add(key);
      }
      await new Promise((r) => setTimeout(r, 5));
      running--;
      if (runs === 2) stop.abort();
    },
  });
  queue.add("a");
  await queue.run(stop.signal);
  assert.equal(runs, 2);
});

test("a failed key comes back", async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const queue = createWorkQueue({
    async work(key) {
      seen.push(key);
      if (seen.length < 3) throw new Error("not yet");
      stop.abort();
    },
  });
  queue.add("a");
  await queue.run(stop.signal);
  assert.deepEqual(seen, ["a", "a", "a"]);
});
