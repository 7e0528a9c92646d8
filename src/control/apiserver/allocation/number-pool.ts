// Numbers 0 to size-1, each held by at most one. Those at the low end are left to whoever asks for a number by name for as long
// as there are others (KEP-3070, KEP-3668: reserved ranges for static allocation).

export interface NumberPool {
  /** False when it is held already. */
  take(n: number): boolean;
  /** Any free number, the high band first; undefined when all are held. `random` gives 0 ≤ x < 1. */
  takeAny(random: () => number): number | undefined;
  release(n: number): void;
  has(n: number): boolean;
  readonly free: number;
}

/** Size of the band for static requests: min(max(min, size/step), max), 0 for a range not larger than min. */
export function staticBand(size: number, o: { min: number; max: number; step: number }): number {
  if (size <= o.min) return 0;
  return Math.min(Math.max(o.min, Math.floor(size / o.step)), o.max);
}

export function createNumberPool(size: number, lowBand: number): NumberPool {
  const held = new Uint8Array(size);
  let free = size;

  function take(n: number): boolean {
    if (held[n] !== 0) return false;
    held[n] = 1;
    free--;
    return true;
  }

  function takeWithin(from: number, to: number, random: () => number): number | undefined {
    const width = to - from;
    if (width <= 0) return undefined;
    const start = Math.floor(random() * width);
    for (let i = 0; i < width; i++) {
      const n = from + ((start + i) % width);
      if (take(n)) return n;
    }
    return undefined;
  }

  return {
    take,
    takeAny: (random) => takeWithin(lowBand, size, random) ?? takeWithin(0, lowBand, random),
    release(n) {
      if (held[n] !== 1) return;
      held[n] = 0;
      free++;
    },
    has: (n) => held[n] === 1,
    get free() {
      return free;
    },
  };
}
