// Keeps what this controller does in the background there: after a burst, writes go at a steady rate, and slowly while the
// process is busy with other things; evaluations leave turns for everybody else.
import { pause } from "../../client/mod.ts";

export interface Pace {
  /** Resolves when the next write may happen. */
  write(signal: AbortSignal): Promise<void>;
  /** Lets others run now and then. */
  turn(): Promise<void>;
}

export interface PaceOptions {
  perSecond: number;
  /** Writes at once after a rest. */
  burst: number;
  /** Milliseconds. */
  now(): number;
  /** While the process is busy. */
  perSecondBusy: number;
  /** Asked every 100 ms at most. */
  isBusy(): boolean;
}

const lookEveryMs = 100;

export function createPace({ perSecond, perSecondBusy, burst, now, isBusy }: PaceOptions): Pace {
  let next = 0;
  let busy = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let turns = 0;
  return {
    async write(signal) {
      const at = now();
      if (at - lookedAt >= lookEveryMs) {
        lookedAt = at;
        busy = isBusy();
      }
      const each = 1000 / (busy ? perSecondBusy : perSecond);
      next = Math.max(next, at - burst * each) + each;
      if (next > at) await pause(next - at, signal);
    },
    async turn() {
      if (++turns % 20 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
}

/** Tells the part of time in which the event loop was not idle since the last call. */
export function processLoad(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
