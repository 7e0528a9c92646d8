// A serial loop that looks again whenever it is woken: never twice at once, no wake is lost, and at a set time if asked.

export interface WakeLoop {
  /** Looks again: at once, or after the look that is under way. */
  wake(): void;
  /** Wakes at that time (milliseconds since the epoch) instead of the one asked for before; undefined: at none. */
  wakeAt(at: number | undefined): void;
  /** Never looks again. */
  end(): void;
}

export interface WakeLoopOptions {
  look(): Promise<void>;
  /** After a look that failed; it is repeated in a second. */
  onError(error: unknown): void;
  now(): number;
}

const retryMs = 1000;
/** What a timer can count. */
const longestMs = 2 ** 31 - 1;

export function createWakeLoop({ look, onError, now }: WakeLoopOptions): WakeLoop {
  let dirty = false;
  let running = false;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;

  function wake(): void {
    dirty = true;
    if (running || ended) return;
    running = true;
    void run();
  }

  async function run(): Promise<void> {
    while (dirty && !ended) {
      dirty = false;
      clearTimeout(timer);
      try {
        await look();
      } catch (error) {
        onError(error);
        wakeAt(now() + retryMs);
      }
    }
    running = false;
    if (dirty) wake();
  }

  function wakeAt(at: number | undefined): void {
    clearTimeout(timer);
    if (at === undefined || ended) return;
    timer = setTimeout(wake, Math.min(Math.max(0, at - now()), longestMs));
  }

  return {
    wake,
    wakeAt,
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
