import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetricPage } from "../../core/metrics/mod.ts";
import { createQueueMetrics } from "./queue-metrics.ts";
import { createWorkQueue } from "./work-queue.ts";

test("a queue's keys are counted as they wait, are worked on, fail and come back", async () => {
  const page = createMetricPage();
  let now = 0;
  const watcher = createQueueMetrics(page, () => now)("job");
  const release: (() => void)[] = [];
  let fail = true;
  const queue = createWorkQueue({
    workers: 1,
    watcher,
    async work(key) {
      if (key === "a" && fail) {
        fail = false;
        throw new Error("not yet");
      }
      if (key === "b") await new Promise<void>((resolve) => release.push(resolve));
    },
  });
  const value = (line: string): number =>
    Number(new RegExp(`^${line}\\{name="job"\\} (\\S+)$`, "m").exec(page.text())?.[1]);
  for (const key of ["a", "a", "b", "c"]) queue.add(key);
  assert.equal(value("workqueue_adds_total"), 3);
  assert.equal(value("workqueue_depth"), 3);
  const stop = new AbortController();
  const running = queue.run(stop.signal);
  while (release.length === 0) await new Promise((r) => setImmediate(r));
  now = 2500;
  assert.equal(value("workqueue_retries_total"), 1);
  assert.equal(value("workqueue_unfinished_work_seconds"), 2.5);
  assert.equal(value("workqueue_longest_running_processor_seconds"), 2.5);
  assert.equal(value("workqueue_work_duration_seconds_count"), 1);
  release[0]!();
  while (value("workqueue_work_duration_seconds_count") < 4) await new Promise((r) => setImmediate(r));
  assert.equal(value("workqueue_depth"), 0);
  assert.equal(value("workqueue_unfinished_work_seconds"), 0);
  assert.equal(value("workqueue_queue_duration_seconds_count"), 4);
  stop.abort();
  await running;
});
