import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Pod } from "../../../core/api/types.ts";
import type { RuntimeContainer } from "../runtime/mod.ts";
import { createStorageWatch, type WatchedPod } from "./storage-watch.ts";

const podOf = (name: string, limit?: string): Pod =>
  ({
    metadata: { name },
    spec: { containers: [{ name: "c", resources: { limits: limit ? { "ephemeral-storage": limit } : {} } }] },
  }) as unknown as Pod;

function rig(t: TestContext, bytes: Record<string, number | Error>) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const pods = new Map<string, WatchedPod & { active: boolean; runs: boolean }>();
  const said: string[] = [];
  const watch = createStorageWatch({
    pods: () => pods.values(),
    async measure(pod) {
      const { name = "" } = pod.metadata;
      said.push(`measure ${name}`);
      const used = bytes[name]!;
      if (used instanceof Error) throw used;
      return { volumes: new Map(), containers: [{ name: "c", writableLayer: used, logs: 0 }], rest: 0 };
    },
    evicted: (signal) => said.push(signal),
    onError: (pod, error) => said.push(`${pod.metadata.name}: ${(error as Error).message}`),
  });
  return {
    watch,
    pods,
    come(name: string, limit?: string) {
      const pod = podOf(name, limit);
      const watched = {
        pod,
        active: true,
        runs: true,
        running: () => (watched.runs ? [{} as RuntimeContainer] : []),
        evict(message: string) {
          said.push(`evict ${name}: ${message}`);
          watched.active = false;
        },
      };
      pods.set(name, watched);
      watch.came(pod);
      return watched;
    },
    async pass(): Promise<string[]> {
      t.mock.timers.tick(10_000);
      for (let i = 0; i < 10; i++) await turn();
      return said.splice(0);
    },
  };
}

test("rounds go on while a pod with limits is here, and only then", async (t) => {
  const { come, pods, pass } = rig(t, { free: 9, kept: 1, new: 1 });
  come("free");
  assert.deepEqual(await pass(), []);
  come("kept", "5");
  assert.deepEqual(await pass(), ["measure kept"]);
  assert.deepEqual(await pass(), ["measure kept"]);
  pods.delete("kept");
  assert.deepEqual(await pass(), []);
  come("new", "5");
  assert.deepEqual(await pass(), ["measure new"]);
});

test("who is over its limit is evicted once; who cannot be measured, or does not run, waits", async (t) => {
  const { come, pass } = rig(t, { broken: new Error("no answer"), full: 6, waiting: 6 });
  come("broken", "5");
  come("full", "5");
  const waiting = come("waiting", "5");
  waiting.runs = false;
  const words = "Pod ephemeral local storage usage exceeds the total limit of containers 5. ";
  assert.deepEqual(await pass(), [
    "measure broken",
    "broken: no answer",
    "measure full",
    "ephemeralpodfs.limit",
    `evict full: ${words}`,
  ]);
  waiting.runs = true;
  assert.deepEqual(await pass(), [
    "measure broken",
    "broken: no answer",
    "measure waiting",
    "ephemeralpodfs.limit",
    `evict waiting: ${words}`,
  ]);
});

test("a pod that is on its way out is left to go, and the end is the end", async (t) => {
  const { come, pass, watch } = rig(t, { leaving: 6 });
  const { pod } = come("leaving", "5");
  pod.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
  assert.deepEqual(await pass(), []);
  come("leaving", "5");
  watch.end();
  assert.deepEqual(await pass(), []);
});
