// Keeps what this controller does in the background there. After a burst each write is followed by a rest as long as the write
// took, which grows by itself when the server has other things to do; and evaluations leave turns for everybody else.
import { pause } from "../../client/mod.ts";

export interface Pace {
  /** Does the write, then rests. */
  write(work: () => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Lets others run now and then. */
  turn(): Promise<void>;
}

/** `burst` writes without a rest; a second gives a tenth of them back. */
export function createPace(burst: number, now: () => number): Pace {
  let credit = burst;
  let at = now();
  let turns = 0;
  return {
    async write(work, signal) {
      const begin = now();
      credit = Math.min(burst, credit + ((begin - at) * burst) / 10_000);
      at = begin;
      const free = credit >= 1;
      if (free) credit--;
      await work();
      if (!free) await pause(Math.min(Math.max(now() - begin, 1), 1000), signal);
    },
    async turn() {
      if (++turns % 20 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
}
