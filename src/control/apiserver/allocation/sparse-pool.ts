// A number pool for more numbers than can be kept a byte each: only those that are held are remembered.

export interface SparsePool {
  /** False when it is held already. */
  take(n: bigint): boolean;
  /** Any free number, the high band first; undefined when all are held. `random` gives 0 ≤ x < 1. */
  takeAny(random: () => number): bigint | undefined;
  release(n: bigint): void;
  readonly held: number;
}

/** 0 ≤ n < width, also beyond the 53 bits that one draw has. */
function randomBelow(width: bigint, random: () => number): bigint {
  let n = 0n;
  for (let i = 0; i < 5; i++) n = (n << 32n) | BigInt(Math.floor(random() * 2 ** 32));
  return n % width;
}

/** Numbers 0 to size-1; those below `lowBand` are left to whoever asks for one by name for as long as there are others. */
export function createSparsePool(size: bigint, lowBand: bigint): SparsePool {
  const held = new Set<bigint>();

  function take(n: bigint): boolean {
    if (held.has(n)) return false;
    held.add(n);
    return true;
  }

  /** Ends at the first gap, so after one step more than numbers are held. */
  function takeWithin(from: bigint, to: bigint, random: () => number): bigint | undefined {
    const width = to - from;
    if (width <= 0n) return undefined;
    const start = randomBelow(width, random);
    for (let i = 0n; i < width; i++) {
      const n = from + ((start + i) % width);
      if (take(n)) return n;
    }
    return undefined;
  }

  return {
    take,
    takeAny: (random) => takeWithin(lowBand, size, random) ?? takeWithin(0n, lowBand, random),
    release: (n) => void held.delete(n),
    get held() {
      return held.size;
    },
  };
}
