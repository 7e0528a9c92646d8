// What it takes to turn one table's content into another's.
import type { Elements, NftChain, NftChange, NftTable } from "./objects.ts";
import { comparableRule, type NftListing } from "./parse-listing.ts";

const priorities: Record<string, string> = {
  "prerouting -100": "dstnat",
  "prerouting -300": "raw",
  "prerouting -99": "dstnat + 1",
  "postrouting 100": "srcnat",
  "forward 0": "filter",
  "prerouting 0": "filter",
  "input 0": "filter",
  "output 0": "filter",
};

/** The lines that nft lists for a chain, rules in comparable form. */
export function listedLines({ hook, rules }: Pick<NftChain, "hook" | "rules">): string[] {
  const lines = rules.map(comparableRule);
  if (!hook) return lines;
  const priority = priorities[`${hook.hook} ${hook.priority}`] ?? `${hook.priority}`;
  return [`type ${hook.type} hook ${hook.hook} priority ${priority}; policy accept;`, ...lines];
}

const isBaseChain = (lines: readonly string[]): boolean => lines[0]?.startsWith("type ") ?? false;

/** Whether packets meet the table: one without base chains, or dormant, does nothing. */
export function seesPackets(listed: NftListing): boolean {
  return !listed.dormant && [...listed.chains.values()].some(isBaseChain);
}

/** Those that `others` has not, or with other data. */
function without(elements: Elements, others: Elements): Map<string, string> {
  const rest = new Map<string, string>();
  for (const [key, data] of elements) if (others.get(key) !== data) rest.set(key, data);
  return rest;
}

/**
 * The change from what was listed to what is wanted; undefined when only loading the whole table can make it so (a wanted
 * chain or set differs or is missing, a foreign chain sees packets, the table is dormant). Other chains that are not wanted
 * stay, nothing leads there. `ignore` names sets that the
 * packet path fills.
 */
export function diffTable(
  listed: NftListing,
  wanted: NftTable,
  ignore: readonly string[],
): NftChange | undefined {
  const { family, table, sets } = wanted.layout;
  if (listed.dormant) return undefined;
  const names = new Set(wanted.layout.chains.map((c) => c.name));
  for (const [name, lines] of listed.chains) if (!names.has(name) && isBaseChain(lines)) return undefined;
  const chains: NftChain[] = [];
  for (const chain of wanted.layout.chains) {
    const there = listed.chains.get(chain.name);
    if (!there) {
      if (chain.hook) return undefined;
      chains.push(chain);
      continue;
    }
    const lines = listedLines(chain);
    const same = there.length === lines.length && there.every((r, i) => comparableRule(r) === lines[i]);
    if (!same) return undefined;
  }
  const deletes = new Map<string, Elements>();
  const adds = new Map<string, Elements>();
  for (const { name } of sets) {
    const have = listed.elements.get(name);
    if (!have) return undefined;
    if (ignore.includes(name)) continue;
    const want = wanted.elements.get(name) ?? new Map();
    const [tooMany, missing] = [without(have, want), without(want, have)];
    if (tooMany.size > 0) deletes.set(name, tooMany);
    if (missing.size > 0) adds.set(name, missing);
  }
  return { family, table, chains, oldChains: [], deletes, adds };
}
