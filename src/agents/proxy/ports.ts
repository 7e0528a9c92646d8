// What the proxy needs of the outside world.
import type { Family } from "../../core/nft/mod.ts";

/** nftables of the network namespace that the process runs in. */
export interface NftTables {
  /** Runs one transaction (input for `nft -f`): all of it happens or nothing. Rejects with nft's own words. */
  apply(script: Iterable<string>): Promise<void>;
  /** The table's listing, or undefined when there is no such table. `terse` leaves set elements out, and is cheap. */
  list(family: Family, table: string, options?: { terse?: boolean }): Promise<string | undefined>;
}

/** One tracked UDP flow, as its first packet was sent and as answers to it come back. */
export interface UdpFlow {
  readonly source: string;
  readonly sourcePort: number;
  /** What the client dialled. */
  readonly destination: string;
  readonly destinationPort: number;
  /** Who answers: the endpoint when the flow was translated, else the destination itself. */
  readonly replySource: string;
  readonly replySourcePort: number;
}

export interface Conntrack {
  udpFlows(family: Family): Promise<UdpFlow[]>;
  remove(family: Family, flows: readonly UdpFlow[]): Promise<void>;
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}
