// What the proxy needs of the outside world.
import type { UdpFlow } from "../../core/network/mod.ts";
import type { Family, NftListing } from "../../core/nft/mod.ts";

export type { UdpFlow };

/** nftables of the network namespace that the process runs in. */
export interface NftTables {
  /** Runs one transaction: all of it happens or nothing. Each piece is whole lines. Rejects with nft's own words. */
  apply(script: Iterable<string>): Promise<void>;
  /**
   * A text that changes when somebody else than this object changed the ruleset of the network namespace, and when a
   * transaction of this object failed. Undefined when that cannot be told (now). Cheap at any size.
   */
  foreignMark(): Promise<string | undefined>;
  /** Ends what is held open. */
  close(): void;
  /** The table with all its elements, or undefined when there is no such table. Costs what the table is big. */
  list(family: Family, table: string): Promise<NftListing | undefined>;
  /** The table's chains as one text (no elements), or undefined when there is no such table. Cheap at any size. */
  listRules(family: Family, table: string): Promise<string | undefined>;
}

export interface Conntrack {
  udpFlows(family: Family): Promise<UdpFlow[]>;
  /** Those that have gone meanwhile are no error. Costs what these are many, not what others there are. */
  remove(family: Family, flows: readonly UdpFlow[]): Promise<void>;
}

/** What a load balancer is told about a Service on this node. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** HTTP on the node for load balancers. */
export interface HealthPorts {
  /** Listens on exactly these ports, whatever the path; the answer is asked for at each request. */
  serve(ports: ReadonlyMap<number, () => HealthAnswer>): void;
  close(): void;
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}
