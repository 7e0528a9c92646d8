import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryLog, openStore } from "../store/mod.ts";
import { eventTtlMs, expireEvents } from "./event-expiry.ts";

const now = Date.parse("2026-01-02T12:00:00Z");
const ago = (ms: number): string => new Date(now - ms).toISOString();

test("an Event goes an hour after it was last written", async () => {
  const store = openStore(createMemoryLog());
  const put = (name: string, fields: object) =>
    store.put(`/registry/core/events/default/${name}`, 0, () => Buffer.from(JSON.stringify(fields)));
  await put("old", { metadata: { creationTimestamp: ago(eventTtlMs + 1000) } });
  await put("new", { metadata: { creationTimestamp: ago(eventTtlMs - 1000) } });
  await put("repeated", { metadata: { creationTimestamp: ago(9 * eventTtlMs) }, lastTimestamp: ago(5000) });
  await put("series", {
    metadata: { creationTimestamp: ago(9 * eventTtlMs) },
    series: { count: 3, lastObservedTime: ago(5000) },
  });
  await put("timeless", { metadata: {} });
  await expireEvents(store, now);
  const left = store.range("/registry/core/events/").map((kv) => kv.key.split("/").at(-1));
  assert.deepEqual(left, ["new", "repeated", "series", "timeless"]);
  await store.close();
});
