// The node ports: one number belongs to one Service, whatever the protocol.
import { createNumberPool, staticBand } from "./number-pool.ts";

export interface PortRange {
  /** Why not, or undefined when the port is now taken. */
  take(port: number): string | undefined;
  takeAny(): { port: number } | { refused: string };
  hold(port: number): void;
  release(port: number): void;
  use(): { allocated: number; available: number };
}

export function createPortRange(range: { from: number; to: number }, random: () => number): PortRange {
  const size = range.to - range.from + 1;
  const pool = createNumberPool(size, staticBand(size, { min: 16, max: 128, step: 32 }));
  const inside = (port: number): boolean => port >= range.from && port <= range.to;
  return {
    take(port) {
      if (!inside(port))
        return `provided port is not in the valid range. The range of valid ports is ${range.from}-${range.to}`;
      return pool.take(port - range.from) ? undefined : "provided port is already allocated";
    },
    takeAny() {
      const n = pool.takeAny(random);
      return n === undefined ? { refused: "range is full" } : { port: range.from + n };
    },
    use: () => ({ allocated: size - pool.free, available: pool.free }),
    hold(port) {
      if (inside(port)) pool.take(port - range.from);
    },
    release(port) {
      if (inside(port)) pool.release(port - range.from);
    },
  };
}
