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
  countElements,
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
  /** The plan in force, once there is one. */
  readonly plan: ServicePlan | undefined;
  touch(key: string): void;
  /** Computes everything anew: the node's facts changed. */
  reload(): void;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Sets that packets fill. */
const learned = ["affinity"];
/** How often it is asked whether somebody changed the ruleset. */
const lookEveryMs = 2000;
/** After a comparison that others' changes asked for, its duration so many times is rested. */
const comparisonRest = 4;
/** Repairs in a row after which somebody is at war with this proxy, or nft lists otherwise than it should: rest longer. */
const patience = 10;
const warRest = 20;
/** Where nobody can tell: when that many times the duration of the last comparison have passed, or so many ms. */
const blindRest = 100;
const blindRestMost = 600_000;

const noTable = "no table";

interface Repair {
  found: string;
  /** What makes that plan's table right again; undefined: the whole table. */
  change: NftChange | undefined;
  plan: ServicePlan;
}

export function createTableKeeper(options: KeeperOptions): TableKeeper {
  const { table, nft, clock, log } = options;
  const dirty = new Set<string>();
  let plan: ServicePlan | undefined;
  /** What nft lists for the rules that are loaded; undefined: to be read. */
  let rules: string | undefined;
  /** Odd while a transaction runs; the same even number before and after a look means nothing happened. */
  let version = 0;
  let repair: Repair | undefined;
  /** Others' changes up to this mark are known to have left the table as it should be. */
  let comparedAt: string | undefined;
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

  /** Does something to the table; a look at it that overlaps says nothing. */
  async function transact(kind: "whole" | "part", toTable: () => Promise<void>): Promise<void> {
    const begin = clock.now();
    version++;
    try {
      await toTable();
    } finally {
      version++;
    }
    options.applied?.(kind, clock.now() - begin);
  }

  async function applyChange(change: NftChange, kind: "whole" | "part"): Promise<void> {
    if (isEmptyChange(change)) return;
    await transact(kind, () => nft.apply(printChange(change)));
    if (change.chains.length > 0) rules = undefined;
  }

  /** Makes a table that packets meet as that plan wants it: by the difference to its listing, where there is one. */
  async function replace(wanted: ServicePlan, listing: NftListing | undefined): Promise<void> {
    wanted.take();
    const change = listing && diffTable(listing, wanted.table(), learned);
    if (change) return applyChange(change, "whole");
    await transact("whole", () => nft.apply(printTable(wanted.table())));
    rules = undefined;
  }

  /** Loads the whole table because of what somebody else did to it, and keeps its text. */
  async function reset(wanted: ServicePlan): Promise<void> {
    const before = await nft.foreignMark();
    await replace(wanted, undefined);
    const text = await nft.listRules(wanted.facts.family, table).catch(() => undefined);
    // What somebody changed in between is no text to compare with.
    rules = before === (await nft.foreignMark()) ? text : undefined;
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
    const next = createServicePlan(facts, table, adopted);
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
    else rules = undefined;
    plan = epoch === asked ? next : undefined;
    comparedAt = mark;
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
    options.settled?.(keys);
    if (udp) flows.clean();
  }

  async function step(signal: AbortSignal): Promise<void> {
    if (repair !== undefined) {
      const { found, change, plan: of } = repair;
      repair = undefined;
      log.warn({ table, found }, "the service table was changed by somebody else; putting it right");
      if (found === noTable) plan = undefined;
      else if (change && of === plan) await applyChange(change, "whole");
      else if (plan) await reset(plan);
    }
    if (!plan) await load(signal);
    if (plan && dirty.size > 0) await applyDirty(plan);
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
        plan = undefined;
        failures++;
        options.failed?.();
        log.warn({ table, error: String(error) }, "a transaction failed; planning the whole table anew");
        await clock.sleep(Math.min(25 * 2 ** failures, 5000), signal);
        continue;
      }
      if (!plan || repair !== undefined || dirty.size > 0) continue;
      working = false;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted) resolve();
      });
      wake = undefined;
    }
  }

  function demand(found: string, change?: NftChange): void {
    repair = { found, change, plan: plan! };
    wake?.();
  }

  /** Compares the kernel's rules with what was loaded. */
  async function lookAtRules(family: NodeFacts["family"]): Promise<void> {
    const before = version;
    const now = await nft.listRules(family, table);
    if (version !== before || version % 2 === 1 || !plan) return;
    if (now === undefined) demand(noTable);
    else if (rules === undefined) rules = now;
    else if (now !== rules) demand("other rules");
  }

  /** Compares the whole table; undefined when a transaction came in between. */
  async function lookAtElements(family: NodeFacts["family"]): Promise<"right" | "wrong" | undefined> {
    const before = version;
    const listing = await nft.list(family, table);
    if (version !== before || version % 2 === 1 || !plan || dirty.size > 0) return undefined;
    const change = listing && diffTable(listing, plan.table(), learned);
    if (change && isEmptyChange(change)) return "right";
    if (!listing) demand(noTable);
    else if (change)
      demand(
        `${countElements(change.deletes)} elements too many, ${countElements(change.adds)} missing`,
        change,
      );
    // Not as this nft version is known to list it, or not as it was loaded: the text as it was after loading decides.
    else if (rules === undefined) demand("other rules");
    else await lookAtRules(family);
    return repair === undefined ? "right" : "wrong";
  }

  /** Looks whether others changed the ruleset, and only then at the table. */
  function createLook(family: NodeFacts["family"]): () => Promise<void> {
    let restUntil = 0;
    let repairs = 0;
    async function compare(): Promise<boolean> {
      const begin = clock.now();
      if (begin < restUntil) return false;
      const verdict = await lookAtElements(family);
      const calm = repairs === 0;
      repairs = verdict === "wrong" ? repairs + 1 : 0;
      const took = clock.now() - begin;
      // What follows a repair only looks whether it worked.
      if (verdict === "right" && calm) restUntil = clock.now() + took * comparisonRest;
      else if (repairs >= patience) restUntil = clock.now() + Math.max(took * warRest, lookEveryMs);
      return verdict === "right";
    }
    let blindAt = 0;
    return async () => {
      const mark = await nft.foreignMark();
      if (mark !== undefined) {
        if (mark !== comparedAt) {
          if (await compare()) comparedAt = mark;
        } else if (rules === undefined) await lookAtRules(family);
      } else if (clock.now() < blindAt) await lookAtRules(family);
      else {
        const begin = clock.now();
        await lookAtElements(family);
        blindAt = clock.now() + Math.min((clock.now() - begin) * blindRest, blindRestMost);
      }
    };
  }

  async function watch(signal: AbortSignal): Promise<void> {
    await synced;
    const { family } = options.facts();
    const look = createLook(family);
    // The text after loading, for the comparisons to come, if nobody has changed it yet.
    const mark = await nft.foreignMark();
    if (mark === undefined || mark === comparedAt) await lookAtRules(family).catch(() => undefined);
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal);
      if (signal.aborted) return;
      try {
        await look();
      } catch (error) {
        log.warn({ table, error: String(error) }, "could not look at the service table");
      }
      flows.cleanNowAndThen();
    }
  }

  return {
    synced,
    get idle() {
      return !working && plan !== undefined && repair === undefined && dirty.size === 0;
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
      plan = undefined;
      wake?.();
    },
    async run(signal) {
      signal.addEventListener("abort", () => wake?.(), { once: true });
      const aborted = new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
      await Promise.all([work(signal), Promise.race([watch(signal), aborted])]);
      await flows.close();
    },
  };
}
