// Keeps tables that never change as they should be: looks at them when somebody changed the ruleset.
import { diffTable, isEmptyChange, type NftTable, parseListing, printTable } from "../../core/nft/mod.ts";
import type { Clock, Log, NftTables } from "./ports.ts";

const lookEveryMs = 4000;

/** Runs until the signal aborts; the tables stay. */
export async function keepFixedTables(
  tables: readonly NftTable[],
  { nft, clock, log }: { nft: NftTables; clock: Clock; log: Log },
  signal: AbortSignal,
): Promise<void> {
  async function isRight(wanted: NftTable): Promise<boolean> {
    const { family, table } = wanted.layout;
    const text = await nft.listRules(family, table);
    const listing = text === undefined ? undefined : parseListing(`${text}\n}\n`, family, table);
    const change = listing && diffTable(listing, wanted, []);
    return change !== undefined && isEmptyChange(change);
  }
  let rightAt: string | undefined;
  while (!signal.aborted && tables.length > 0) {
    try {
      const mark = await nft.foreignMark();
      if (mark === undefined || mark !== rightAt)
        for (const t of tables) {
          if (await isRight(t)) continue;
          log.warn({ table: t.layout.table }, "a guard's table was missing or changed; loading it again");
          await nft.apply(printTable(t));
        }
      rightAt = mark;
    } catch (error) {
      log.warn({ error: String(error) }, "could not look at the guards' tables");
    }
    await clock.sleep(lookEveryMs, signal);
  }
}
