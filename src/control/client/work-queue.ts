// A queue of keys to reconcile: each key waits at most once, is worked on by one worker at a time, and comes back with
// growing delay after a failure (client-go's rate-limited work queue).
import type { QueueWatcher } from "./queue-metrics.ts";

export interface WorkQueue {
  /** Adds a key now, or after `delayMs`. */
  add(key: string, delayMs?: number): void;
  /** Number of keys waiting (delayed ones not counted). */
  readonly length: number;
  /** Works until the signal aborts; resolves when every worker has returned. */
  run(signal: AbortSignal): Promise<void>;
}

export interface WorkQueueOptions {
  /** Reconciles one key; a rejection puts the key back with back-off. */
  work(key: string): Promise<void>;
  workers?: number;
  baseDelayMs?: number;
  maxDelayMs?: number;
  onError?(key: string, error: unknown): void;
  /** Told of what happens to the keys. */
  watcher?: QueueWatcher | undefined;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { work, workers = 4, baseDelayMs = 5, maxDelayMs = 60_000, onError, watcher } = options;
  /** With the time from which each waits. */
  const waiting = new Map<string, number>();
  const busy = new Set<string>();
  const dirty = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { timer: NodeJS.Timeout; due: number }>();
  const idle: (() => void)[] = [];
  let stopped = false;

  function add(key: string, delayMs = 0): void {
    if (stopped) return;
    if (delayMs > 0) {
      const due = Date.now() + delayMs;
      const old = timers.get(key);
      if (old && old.due <= due) return;
      if (old) clearTimeout(old.timer);
      const timer = setTimeout(() => {
        timers.delete(key);
        add(key);
      }, delayMs);
      timers.set(key, { timer, due });
      return;
    }
    if (busy.has(key)) dirty.add(key);
    else if (!waiting.has(key)) {
      waiting.set(key, performance.now());
      watcher?.added();
      idle.shift()?.();
    }
  }

  async function worker(): Promise<void> {
    while (!stopped) {
      const next = waiting.entries().next().value;
      if (next === undefined) {
        await new Promise<void>((resolve) => idle.push(resolve));
        continue;
      }
      const [key, since] = next;
      waiting.delete(key);
      busy.add(key);
      const done = watcher?.taken(performance.now() - since);
      try {
        await work(key);
        failures.delete(key);
      } catch (error) {
        const n = failures.get(key) ?? 0;
        failures.set(key, n + 1);
        onError?.(key, error);
        watcher?.retried();
        add(key, Math.min(baseDelayMs * 2 ** Math.min(n, 30), maxDelayMs));
      } finally {
        busy.delete(key);
        done?.();
        if (dirty.delete(key)) add(key);
      }
    }
  }

  return {
    add,
    get length() {
      return waiting.size;
    },
    async run(signal) {
      const stop = (): void => {
        stopped = true;
        for (const { timer } of timers.values()) clearTimeout(timer);
        timers.clear();
        for (const wake of idle.splice(0)) wake();
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      await Promise.all(Array.from({ length: workers }, worker));
    },
  };
}
