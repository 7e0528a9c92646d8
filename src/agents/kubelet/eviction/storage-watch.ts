// Looks at the pods that have limits of local storage, one after the other in rounds, as long as there is such a pod.
import type { Pod } from "../../../core/api/types.ts";
import type { RuntimeContainer } from "../runtime/mod.ts";
import { type Excess, excessOf, hasStorageLimit, type StorageUsage } from "./storage-limits.ts";

/** A pod of this node, as its worker has it. */
export interface WatchedPod {
  readonly pod: Pod;
  /** Neither finished nor on the way to it by the kubelet's doing. */
  readonly active: boolean;
  running(): readonly RuntimeContainer[];
  evict(message: string): void;
}

export interface StorageWatchOptions {
  pods(): Iterable<WatchedPod>;
  /** Has a time limit. */
  measure(pod: Pod, running: readonly RuntimeContainer[]): Promise<StorageUsage>;
  evicted(signal: Excess["signal"]): void;
  /** A pod that could not be measured stays until a round that can. */
  onError(pod: Pod, error: unknown): void;
  /** Milliseconds between two rounds (10 s). */
  intervalMs?: number | undefined;
}

export interface StorageWatch {
  /** A pod has come: the first that has limits starts the rounds. */
  came(pod: Pod): void;
  /** No more rounds, and no evictions by the one under way. */
  end(): void;
}

export function createStorageWatch(options: StorageWatchOptions): StorageWatch {
  const { pods, measure, evicted, onError, intervalMs = 10_000 } = options;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let ended = false;

  const limited = (): WatchedPod[] =>
    [...pods()].filter((p) => p.active && !p.pod.metadata.deletionTimestamp && hasStorageLimit(p.pod));

  function arm(): void {
    if (ended || timer || looking) return;
    timer = setTimeout(() => void round(), intervalMs);
  }

  async function round(): Promise<void> {
    timer = undefined;
    looking = true;
    await lookAtAll();
    looking = false;
    if (limited().length > 0) arm();
  }

  async function lookAtAll(): Promise<void> {
    for (const watched of limited()) {
      const running = watched.running();
      if (ended) return;
      if (running.length === 0) continue;
      try {
        const excess = excessOf(watched.pod, await measure(watched.pod, running));
        if (ended || !excess || !watched.active) continue;
        evicted(excess.signal);
        watched.evict(excess.message);
      } catch (error) {
        onError(watched.pod, error);
      }
    }
  }

  return {
    came(pod) {
      if (hasStorageLimit(pod)) arm();
    },
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
