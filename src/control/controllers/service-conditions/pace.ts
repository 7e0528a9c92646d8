// Keeps what this controller does in the background there: after a burst, writes go at a steady rate, and at a fifth of it while
// the process is busy with other things; evaluations leave turns for everybody else.
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
  /** The part of time, 0 to 1, that the process has been working since the last call. */
  load(): number;
}

const busyLoad = 0.8;
const lookEveryMs = 100;

export function createPace({ perSecond, burst, now, load }: PaceOptions): Pace {
  let next = 0;
  let busy = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let turns = 0;
  return {
    async write(signal) {
      const at = now();
      if (at - lookedAt >= lookEveryMs) {
        lookedAt = at;
        busy = load() > busyLoad;
      }
      const each = (1000 / perSecond) * (busy ? 5 : 1);
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
