// Work queues as client-go measures them: what waits and for how long, what is worked on and for how long.
import { exponentialBuckets, type MetricPage } from "../../core/metrics/mod.ts";

/** Told of what happens to a queue's keys. */
export interface QueueWatcher {
  /** A key waits, which did not before. */
  added(): void;
  /** A key that has waited so long is worked on; what it returns is called when that is over. */
  taken(waitedMs: number): () => void;
  /** A key failed and comes back. */
  retried(): void;
}

/** `now` in milliseconds, monotonic. The same name may be asked for again: its queues count together. */
export function createQueueMetrics(page: MetricPage, now: () => number): (name: string) => QueueWatcher {
  const labels = ["name"];
  const seconds = exponentialBuckets(1e-8, 10, 10);
  const adds = page.counter("workqueue_adds_total", "Total number of adds handled by workqueue", labels);
  const depth = page.gauge("workqueue_depth", "Current depth of workqueue", labels);
  const waited = page.histogram(
    "workqueue_queue_duration_seconds",
    "How long in seconds an item stays in workqueue before being requested.",
    seconds,
    labels,
  );
  const worked = page.histogram(
    "workqueue_work_duration_seconds",
    "How long in seconds processing an item from workqueue takes.",
    seconds,
    labels,
  );
  const retries = page.counter(
    "workqueue_retries_total",
    "Total number of retries handled by workqueue",
    labels,
  );
  const unfinished = page.gauge(
    "workqueue_unfinished_work_seconds",
    "How many seconds of work is in progress that work_duration has not observed yet.",
    labels,
  );
  const longest = page.gauge(
    "workqueue_longest_running_processor_seconds",
    "How many seconds has the longest running processor for workqueue been running.",
    labels,
  );
  const watchers = new Map<string, QueueWatcher>();

  return (name) => {
    const known = watchers.get(name);
    if (known) return known;
    const began = new Set<{ at: number }>();
    let waiting = 0;
    const own = {
      adds: adds.with(name),
      retries: retries.with(name),
      waited: waited.with(name),
      worked: worked.with(name),
    };
    page.onText(() => {
      const times = [...began].map(({ at }) => (now() - at) / 1000);
      depth.with(name).set(waiting);
      unfinished.with(name).set(times.reduce((a, b) => a + b, 0));
      longest.with(name).set(Math.max(0, ...times));
    });
    const watcher: QueueWatcher = {
      added() {
        waiting++;
        own.adds.add();
      },
      taken(waitedMs) {
        waiting--;
        own.waited.observe(waitedMs / 1000);
        const work = { at: now() };
        began.add(work);
        return () => {
          began.delete(work);
          own.worked.observe((now() - work.at) / 1000);
        };
      },
      retried: () => own.retries.add(),
    };
    watchers.set(name, watcher);
    return watcher;
  };
}
