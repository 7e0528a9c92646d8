// nftables objects as plain data: one table with its sets, maps and chains. Rules are text in nft's own language,
// element keys and data are text exactly as nft lists them, so that what is wanted and what is there compare as strings.

export type Family = "ip" | "ip6";

/** A named set, or a map when `type` has a data part (`typeof ip daddr : verdict`). */
export interface NftSet {
  readonly name: string;
  /** e.g. `typeof ip daddr . meta l4proto . th dport : meta mark` or `type ipv4_addr`. */
  readonly type: string;
  readonly flags?: readonly string[];
  readonly size?: number;
}

export interface NftHook {
  readonly type: "nat" | "filter";
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  readonly priority: number;
}

export interface NftChain {
  readonly name: string;
  readonly hook?: NftHook | undefined;
  readonly rules: readonly string[];
}

/** What of a table does not change with its content. */
export interface NftLayout {
  readonly family: Family;
  readonly table: string;
  readonly sets: readonly NftSet[];
  readonly chains: readonly NftChain[];
}

/** Key to data; data is "" in a set. */
export type Elements = ReadonlyMap<string, string>;

/** A whole table as it should be or as it was listed. */
export interface NftTable {
  readonly layout: NftLayout;
  /** By set name; a set that is absent is empty. */
  readonly elements: ReadonlyMap<string, Elements>;
}

export interface NftElement {
  readonly set: string;
  readonly key: string;
  readonly data: string;
}

/** One transaction's worth of change to a table that exists: new chains, deletes, adds, old chains. */
export interface NftChange {
  readonly family: Family;
  readonly table: string;
  readonly chains: readonly NftChain[];
  /** Names of chains that go, each after those that lead there. */
  readonly oldChains: readonly string[];
  /** By set name, as in a table; no set is empty. */
  readonly deletes: ReadonlyMap<string, Elements>;
  readonly adds: ReadonlyMap<string, Elements>;
}

export function countElements(sets: ReadonlyMap<string, Elements>): number {
  let count = 0;
  for (const elements of sets.values()) count += elements.size;
  return count;
}

export function isEmptyChange(c: NftChange): boolean {
  return c.chains.length + c.oldChains.length === 0 && c.deletes.size === 0 && c.adds.size === 0;
}
