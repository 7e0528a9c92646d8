// Keeps one family's service table in the kernel as the plan wants it: adopts what is there at the start, applies changes
// one transaction at a time, looks whether somebody else changed the table, and removes UDP flows that contradict it.
import {
  adoptListing,
  createServicePlan,
  hasUdp,
  type NodeFacts,
  type ServicePlan,
  type ServiceRouting,
} from "../../core/network/mod.ts";
import {
  diffTable,
  isEmptyChange,
  type NftChange,
  type NftListing,
  printChange,
  printTable,
  seesPackets,
} from "../../core/nft/mod.ts";
import { createFlowCleaner } from "./flow-cleaner.ts";
import { fillPlan, loadTable } from "./load-table.ts";
import type { Clock, Conntrack, Log, NftTables } from "./ports.ts";
import { createTableWatch, learned, type Repair } from "./table-watch.ts";

export interface KeeperOptions {
  table: string;
  /** The node as it is now; asked again after `reload`. */
  facts(): NodeFacts;
  /** Resolves when what is wanted can be asked for, or when the signal aborts; the kernel's table is listed meanwhile. */
  ready: Promise<unknown>;
  /** Every Service that there is. */
  keys(): Iterable<string>;
  /** What a Service means now; undefined when it is gone or not the proxy's. */
  routing(key: string, facts: NodeFacts): ServiceRouting | undefined;
  nft: NftTables;
  conntrack: Conntrack;
  clock: Clock;
  log: Log;
  /** Told of every transaction that went through; `whole` is a load of everything or a repair. */
  applied?(kind: "whole" | "part", milliseconds: number): void;
  failed?(): void;
  /** Flows were compared with the plan, and so many removed. */
  reconciled?(milliseconds: number, removed: number): void;
  /** Everything touched so far goes into the transaction that begins now. */
  taken?(): void;
  /** The kernel has what these Services meant when they were taken. */
  settled?(keys: ReadonlySet<string>): void;
}

export interface TableKeeper {
  /** Resolves when the kernel has the first whole table. */
  readonly synced: Promise<void>;
  /** The kernel has everything that was touched. */
  readonly idle: boolean;
  /** What the kernel's table was last made from, once it was. */
  readonly plan: ServicePlan | undefined;
  touch(key: string): void;
  /** Computes everything anew: the node's facts changed. */
  reload(): void;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createTableKeeper(options: KeeperOptions): TableKeeper {
  const { table, nft, clock, log } = options;
  const dirty = new Set<string>();
  let plan: ServicePlan | undefined;
  /** The plan has to be made anew, and its table loaded. */
  let stale = true;
  let repair: Repair | undefined;
  let failures = 0;
  let working = true;
  /** Counts demands to plan anew. */
  let epoch = 0;
  let wake: (() => void) | undefined;
  let markSynced: () => void;
  const synced = new Promise<void>((resolve) => {
    markSynced = resolve;
  });
  const flows = createFlowCleaner(options, () => plan);
  const watch = createTableWatch({
    ...options,
    plan: () => (stale || dirty.size > 0 ? undefined : plan),
    demand(wanted) {
      repair = wanted;
      wake?.();
    },
  });

  /** How many Services had no place in the table when that was last told. */
  let refused = 0;
  function tellRefused({ refused: now }: ServicePlan): void {
    if (now.size > refused)
      log.warn(
        { table, services: [...now].slice(0, 10), count: now.size },
        "more endpoint groups than the table has numbers for",
      );
    refused = now.size;
  }

  async function transact(kind: "whole" | "part", toTable: () => Promise<void>): Promise<void> {
    const begin = clock.now();
    await watch.during(toTable);
    options.applied?.(kind, clock.now() - begin);
  }

  async function applyChange(change: NftChange, kind: "whole" | "part"): Promise<void> {
    if (isEmptyChange(change)) return;
    await transact(kind, () => nft.apply(printChange(change)));
    if (change.chains.length > 0) watch.forgetRules();
  }

  /** Makes a table that packets meet as that plan wants it: by the difference to its listing, where there is one. */
  async function replace(wanted: ServicePlan, listing: NftListing | undefined): Promise<void> {
    wanted.take();
    const change = listing && diffTable(listing, wanted.table(), learned);
    if (change) return applyChange(change, "whole");
    await transact("whole", () => nft.apply(printTable(wanted.table())));
    watch.forgetRules();
  }

  /** Plans everything anew and makes the kernel so, by the difference where that is possible. */
  async function load(signal: AbortSignal): Promise<void> {
    const { family } = options.facts();
    const mark = await nft.foreignMark();
    // What was refused once may be refused again for what is in the table: then nothing of it is kept.
    const trusted = failures < 2;
    const found = trusted ? await nft.list(family, table) : undefined;
    // A table that packets do not meet is the rest of a load that was cut off, or somebody switched it off.
    const listing = found && seesPackets(found) ? found : undefined;
    const adopted = listing && adoptListing(listing);
    await options.ready;
    // What was never known is not what is wanted: the table stays.
    if (signal.aborted) return;
    const asked = epoch;
    const facts = options.facts();
    const next = createServicePlan(facts, table, { adopted });
    dirty.clear();
    options.taken?.();
    const keys = new Set(options.keys());
    function* services(): Generator<[string, ServiceRouting | undefined]> {
      for (const key of keys) yield [key, options.routing(key, facts)];
    }
    const live = !trusted || listing !== undefined;
    if (live) await fillPlan(next, services(), { signal });
    else await transact("whole", () => loadTable(next, services(), { apply: (s) => nft.apply(s), signal }));
    if (signal.aborted) return;
    adopted?.forget();
    if (live) await replace(next, listing);
    else watch.forgetRules();
    tellRefused(next);
    plan = next;
    stale = epoch !== asked;
    watch.loaded(mark);
    repair = undefined;
    options.settled?.(keys);
    flows.clean();
  }

  async function applyDirty(current: ServicePlan): Promise<void> {
    const keys = new Set(dirty);
    dirty.clear();
    options.taken?.();
    let udp = false;
    for (const key of keys) {
      const before = current.get(key);
      const after = options.routing(key, current.facts);
      current.set(key, after);
      udp ||= hasUdp(before) || hasUdp(after);
    }
    await applyChange(current.take(), "part");
    tellRefused(current);
    options.settled?.(keys);
    if (udp) flows.clean();
  }

  /** Puts right what somebody else did. */
  async function mend(current: ServicePlan, { what, found, change }: Repair): Promise<void> {
    log.warn({ table, found }, "the service table was changed by somebody else; putting it right");
    if (what === "load") stale = true;
    else if (change) await applyChange(change, "whole");
    else {
      const before = await nft.foreignMark();
      await replace(current, undefined);
      await watch.readRules(current.facts.family, before);
    }
  }

  async function step(signal: AbortSignal): Promise<void> {
    const wanted = repair;
    repair = undefined;
    if (plan && wanted && !stale) await mend(plan, wanted);
    if (stale) await load(signal);
    else if (plan && dirty.size > 0) await applyDirty(plan);
  }

  async function work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      working = true;
      try {
        await step(signal);
        if (signal.aborted) return;
        failures = 0;
        markSynced();
      } catch (error) {
        // What was taken from the plan is lost with the transaction: begin from what is wanted, not from a difference.
        stale = true;
        failures++;
        options.failed?.();
        log.warn({ table, error: String(error) }, "a transaction failed; planning the whole table anew");
        await clock.sleep(Math.min(25 * 2 ** failures, 5000), signal);
        continue;
      }
      if (stale || repair !== undefined || dirty.size > 0) continue;
      working = false;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted) resolve();
      });
      wake = undefined;
    }
  }

  async function look(signal: AbortSignal): Promise<void> {
    await synced;
    await watch.run(signal, () => flows.cleanNowAndThen());
  }

  return {
    synced,
    get idle() {
      return !working && !stale && repair === undefined && dirty.size === 0;
    },
    get plan() {
      return plan;
    },
    touch(key) {
      dirty.add(key);
      wake?.();
    },
    reload() {
      epoch++;
      stale = true;
      wake?.();
    },
    async run(signal) {
      signal.addEventListener("abort", () => wake?.(), { once: true });
      const aborted = new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
      await Promise.all([work(signal), Promise.race([look(signal), aborted])]);
      await flows.close();
    },
  };
}
