// Delays that double while something keeps failing and are forgotten after a quiet time (client-go flowcontrol.Backoff).

interface Entry {
  delayMs: number;
  updatedAt: number;
}

/** One a pod: keys are container names (restarts) or images (pulls). Times are milliseconds since the epoch. */
export interface BackOff {
  /** The current delay of the key; 0 where it never failed. */
  delayMs(key: string): number;
  /** When the key may be tried again after it failed at `failedAt`; undefined: now. */
  until(key: string, failedAt: number, now: number): number | undefined;
  /** Notes a failure at `failedAt` that is about to be retried: the next wait is longer. */
  next(key: string, failedAt: number, now: number): void;
  reset(key: string): void;
}

export function createBackOff(initialMs = 10_000, maxMs = 300_000): BackOff {
  const entries = new Map<string, Entry>();
  const expired = (entry: Entry, at: number): boolean => at - entry.updatedAt > maxMs * 2;
  return {
    delayMs: (key) => entries.get(key)?.delayMs ?? 0,
    until(key, failedAt, now) {
      const entry = entries.get(key);
      if (!entry || expired(entry, failedAt)) return undefined;
      const until = failedAt + entry.delayMs;
      return until > now ? until : undefined;
    },
    next(key, failedAt, now) {
      const entry = entries.get(key);
      const delayMs = !entry || expired(entry, failedAt) ? initialMs : Math.min(maxMs, entry.delayMs * 2);
      entries.set(key, { delayMs, updatedAt: now });
    },
    reset: (key) => void entries.delete(key),
  };
}
