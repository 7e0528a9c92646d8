// Pods waiting for a node: ready ones by priority and age, unschedulable ones aside until something in the cluster changes
// (scheduler SchedulingQueue).
import type { Pod } from "../../core/api/types.ts";

const firstBackoffMs = 20;
const maxBackoffMs = 10_000;

interface Waiting {
  key: string;
  uid: string;
  priority: number;
  created: string;
  serial: number;
}

interface Aside {
  waiting: Waiting;
  pod: Pod;
  /** Milliseconds since the epoch. */
  due: number;
  timer: NodeJS.Timeout | undefined;
}

export interface SchedulingQueue {
  /** Adds a pod unless it waits already; an unschedulable one is tried again at once. */
  add(key: string, pod: Pod): void;
  remove(uid: string): void;
  /** The key of the next pod to place. */
  next(): string | undefined;
  /** Puts a pod that found no node aside; each time in a row it comes back a little later. */
  setAside(key: string, pod: Pod): void;
  /** Something changed that may let unschedulable pods find a node; `helps`: only these. */
  retryAll(helps?: (pod: Pod) => boolean): void;
  /** The pod found its place. */
  done(uid: string): void;
  stop(): void;
}

function before(a: Waiting, b: Waiting): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.created !== b.created) return a.created < b.created;
  return a.serial < b.serial;
}

export function createSchedulingQueue(now: () => number, wake: () => void): SchedulingQueue {
  const active: Waiting[] = [];
  const queued = new Set<string>();
  const aside = new Map<string, Aside>();
  const attempts = new Map<string, number>();
  let serial = 0;

  function push(waiting: Waiting): void {
    if (queued.has(waiting.uid)) return;
    queued.add(waiting.uid);
    let low = 0;
    let high = active.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(waiting, active[middle]!)) high = middle;
      else low = middle + 1;
    }
    active.splice(low, 0, waiting);
    wake();
  }

  function takeBack(uid: string): Waiting | undefined {
    const entry = aside.get(uid);
    if (!entry) return undefined;
    clearTimeout(entry.timer);
    aside.delete(uid);
    return entry.waiting;
  }

  const waitingOf = (key: string, pod: Pod): Waiting => ({
    key,
    uid: pod.metadata.uid!,
    priority: pod.spec?.priority ?? 0,
    created: String(pod.metadata.creationTimestamp ?? ""),
    serial: serial++,
  });

  return {
    add(key, pod) {
      push(takeBack(pod.metadata.uid!) ?? waitingOf(key, pod));
    },
    remove(uid) {
      takeBack(uid);
      attempts.delete(uid);
      if (!queued.delete(uid)) return;
      const i = active.findIndex((w) => w.uid === uid);
      if (i >= 0) active.splice(i, 1);
    },
    next() {
      const first = active.shift();
      if (first) queued.delete(first.uid);
      return first?.key;
    },
    setAside(key, pod) {
      const uid = pod.metadata.uid!;
      if (queued.has(uid)) return;
      const n = attempts.get(uid) ?? 0;
      attempts.set(uid, n + 1);
      const due = now() + Math.min(firstBackoffMs * 2 ** Math.min(n, 20), maxBackoffMs);
      aside.set(uid, { waiting: waitingOf(key, pod), pod, due, timer: undefined });
    },
    retryAll(helps) {
      for (const [uid, entry] of [...aside]) {
        if (entry.timer || (helps && !helps(entry.pod))) continue;
        const wait = entry.due - now();
        if (wait <= 0) push(takeBack(uid)!);
        else
          entry.timer = setTimeout(() => {
            const waiting = takeBack(uid);
            if (waiting) push(waiting);
          }, wait);
      }
    },
    done: (uid) => void attempts.delete(uid),
    stop() {
      for (const { timer } of aside.values()) clearTimeout(timer);
      aside.clear();
      active.length = 0;
    },
  };
}
