// Reads what `nft list` prints for a table: chains with their rules and elements with their data, as text.
import type { Elements } from "./objects.ts";

export interface NftListing {
  /** Rules by chain; the hook line (`type … hook …`) comes first where there is one. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** The table is switched off: its chains see no packet. */
  readonly dormant: boolean;
  /** By set or map name. Absent elements (terse listing, empty set) are an empty map. */
  readonly elements: ReadonlyMap<string, Elements>;
}

function addElements(text: string, into: Map<string, string>): void {
  for (const item of text.split(",")) {
    const element = item.trim();
    if (element === "") continue;
    const colon = element.indexOf(" : ");
    if (colon < 0) into.set(element, "");
    else into.set(element.slice(0, colon), element.slice(colon + 3));
  }
}

/**
 * The named table in the output of `nft list table` or `nft list ruleset`; undefined when it is not in there.
 * Knows IPv4 and IPv6 keys (a data colon has spaces around it), not quoted strings or comments with commas.
 */
export function parseListing(text: string, family: string, table: string): NftListing | undefined {
  const head = `table ${family} ${table} {\n`;
  const start = text.startsWith(head) ? 0 : text.indexOf(`\n${head}`) + 1;
  if (start === 0 && !text.startsWith(head)) return undefined;
  const chains = new Map<string, string[]>();
  const elements = new Map<string, Map<string, string>>();
  let rules: string[] | undefined;
  let list: Map<string, string> | undefined;
  let inElements = false;
  let dormant = false;
  let at = start + head.length;
  while (at < text.length) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    const line = text.slice(at, end).trim();
    at = end + 1;
    if (inElements) {
      inElements = !line.endsWith("}");
      addElements(inElements ? line : line.slice(0, -1), list!);
    } else if (line === "}") {
      if (!rules && !list) break;
      rules = undefined;
      list = undefined;
    } else if (list) {
      if (!line.startsWith("elements = {")) continue;
      inElements = !line.endsWith("}");
      const body = line.slice("elements = {".length);
      addElements(inElements ? body : body.slice(0, -1), list);
    } else if (rules) {
      if (line !== "") rules.push(line);
    } else {
      const m = /^(chain|set|map) (\S+) \{$/.exec(line);
      if (/^flags .*\bdormant\b/.test(line)) dormant = true;
      if (!m) continue;
      if (m[1] === "chain") {
        rules = [];
        chains.set(m[2]!, rules);
      } else {
        list = new Map();
        elements.set(m[2]!, list);
      }
    }
  }
  return { chains, elements, dormant };
}

const seconds: Record<string, number> = { d: 86400, h: 3600, m: 60, s: 1 };

/**
 * A rule in the form in which both what is loaded and what nft 1.0.6 lists read the same: without parentheses, durations
 * in seconds, without a protocol match that nft leaves out because the statement implies it.
 */
export function comparableRule(rule: string): string {
  return rule
    .replace(/[()]/g, "")
    .replace(/\btimeout ((?:\d+[dhms])+)/g, (_, t: string) => {
      const parts = [...t.matchAll(/(\d+)([dhms])/g)];
      return `timeout ${parts.reduce((sum, [, n, unit]) => sum + Number(n) * seconds[unit!]!, 0)}s`;
    })
    .replace(/\bmeta l4proto tcp reject with tcp reset\b/, "reject with tcp reset")
    .replace("& 0x80000000 != 0x00000000", "!= 0x00000000/1");
}
