// Looks whether somebody else changed the service table, and demands what makes it right again. The table is listed only when
// others changed the ruleset; where nobody can tell that, its rules are read instead, and the elements rarely.
import type { ServicePlan } from "../../core/network/mod.ts";
import { countElements, diffTable, type Family, isEmptyChange, type NftChange } from "../../core/nft/mod.ts";
import type { Clock, Log, NftTables } from "./ports.ts";

/** Sets that packets fill. */
export const learned = ["affinity"];
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

export interface Repair {
  readonly what: "load" | "replace" | "change";
  /** For people: what was found. */
  readonly found: string;
  /** Makes the table right again as long as the plan stays as it is. */
  readonly change?: NftChange;
}

export interface WatchOptions {
  table: string;
  nft: NftTables;
  clock: Clock;
  log: Log;
  /** The plan that the kernel's table is to be like now; undefined while they differ for a known reason. */
  plan(): ServicePlan | undefined;
  demand(repair: Repair): void;
}

export interface TableWatch {
  /** Does something to the table: a look that overlaps says nothing. */
  during(change: () => Promise<void>): Promise<void>;
  /** The table was loaded or made as wanted after others' changes up to this mark (`NftTables.foreignMark`). */
  loaded(mark: string | undefined): void;
  /** What the rules are listed like has to be read anew. */
  forgetRules(): void;
  /** Reads what the rules are listed like, to compare with, unless others changed the ruleset since that mark. */
  readRules(family: Family, since: string | undefined): Promise<void>;
  /** Looks every 2 s until the signal aborts, `looked` being told. */
  run(signal: AbortSignal, looked: () => void): Promise<void>;
}

export function createTableWatch(options: WatchOptions): TableWatch {
  const { table, nft, clock, log, demand } = options;
  /** What nft lists for the rules that are loaded; undefined: to be read. */
  let rules: string | undefined;
  /** Odd while something is done to the table; the same even number before and after a look means nothing happened. */
  let version = 0;
  /** Others' changes up to this mark are known to have left the table as it should be. */
  let comparedAt: string | undefined;

  /** Reads something of the table, together with the plan that it is to be like; undefined when something was done to it. */
  async function look<T>(read: (plan: ServicePlan) => Promise<T>) {
    const before = version;
    const asked = options.plan();
    if (!asked) return undefined;
    const listing = await read(asked);
    const plan = options.plan();
    return version !== before || version % 2 === 1 || !plan ? undefined : { listing, plan };
  }

  /** Compares the kernel's rules with what was loaded. */
  async function lookAtRules(): Promise<"right" | "wrong" | undefined> {
    const seen = await look((plan) => nft.listRules(plan.facts.family, table));
    if (!seen) return undefined;
    const now = seen.listing;
    if (now === undefined) demand({ what: "load", found: "no table" });
    else if (rules === undefined || now === rules) {
      rules = now;
      return "right";
    } else demand({ what: "replace", found: "other rules" });
    return "wrong";
  }

  /** Compares the whole table. */
  async function lookAtElements(): Promise<"right" | "wrong" | undefined> {
    const seen = await look((plan) => nft.list(plan.facts.family, table));
    if (!seen) return undefined;
    const { listing, plan } = seen;
    const change = listing && diffTable(listing, plan.table(), learned);
    if (change && isEmptyChange(change)) return "right";
    if (!listing) demand({ what: "load", found: "no table" });
    else if (change) {
      const [tooMany, missing] = [countElements(change.deletes), countElements(change.adds)];
      const found = `${tooMany} elements too many, ${missing} missing`;
      demand({ what: "change", found, change });
    }
    // Not as this nft version is known to list it, or not as it was loaded: the text as it was after loading decides.
    else if (rules === undefined) demand({ what: "replace", found: "other rules" });
    else return lookAtRules();
    return "wrong";
  }

  let restUntil = 0;
  let repairs = 0;
  async function compare(): Promise<boolean> {
    const begin = clock.now();
    if (begin < restUntil) return false;
    const verdict = await lookAtElements();
    const calm = repairs === 0;
    repairs = verdict === "wrong" ? repairs + 1 : 0;
    const took = clock.now() - begin;
    // What follows a repair only looks whether it worked.
    if (verdict === "right" && calm) restUntil = clock.now() + took * comparisonRest;
    else if (repairs >= patience) restUntil = clock.now() + Math.max(took * warRest, lookEveryMs);
    return verdict === "right";
  }

  let blindAt = 0;
  async function lookNow(): Promise<void> {
    const mark = await nft.foreignMark();
    if (mark !== undefined) {
      if (mark !== comparedAt) {
        if (await compare()) comparedAt = mark;
      } else if (rules === undefined) await lookAtRules();
    } else if (clock.now() < blindAt) await lookAtRules();
    else {
      const begin = clock.now();
      await lookAtElements();
      blindAt = clock.now() + Math.min((clock.now() - begin) * blindRest, blindRestMost);
    }
  }

  return {
    async during(change) {
      version++;
      try {
        await change();
      } finally {
        version++;
      }
    },
    loaded(mark) {
      comparedAt = mark;
    },
    forgetRules() {
      rules = undefined;
    },
    async readRules(family, since) {
      const text = await nft.listRules(family, table).catch(() => undefined);
      rules = since === (await nft.foreignMark()) ? text : undefined;
    },
    async run(signal, looked) {
      // The text after loading, for the comparisons to come, if nobody has changed it yet.
      const mark = await nft.foreignMark();
      if (mark === undefined || mark === comparedAt) await lookAtRules().catch(() => undefined);
      while (!signal.aborted) {
        await clock.sleep(lookEveryMs, signal);
        if (signal.aborted) return;
        try {
          await lookNow();
        } catch (error) {
          log.warn({ table, error: String(error) }, "could not look at the service table");
        }
        looked();
      }
    },
  };
}
