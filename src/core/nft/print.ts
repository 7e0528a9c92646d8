// Prints tables and changes as input for `nft -f` (nft 1.0.6 syntax). Each text is one transaction.
import type { NftChain, NftChange, NftLayout, NftSet, NftTable } from "./objects.ts";

/** Elements a command holds; nft's parser slows down on much longer lists. */
const batch = 2000;
function printSet(s: NftSet): string {
  const kind = s.type.includes(" : ") ? "map" : "set";
  const parts = [s.type];
  if (s.size !== undefined) parts.push(`size ${s.size}`);
  if (s.flags && s.flags.length > 0) parts.push(`flags ${s.flags.join(",")}`);
  return `  ${kind} ${s.name} {\n${parts.map((p) => `    ${p}\n`).join("")}  }\n`;
}

function printChain(c: NftChain): string {
  const hook = c.hook
    ? [`type ${c.hook.type} hook ${c.hook.hook} priority ${c.hook.priority}; policy accept;`]
    : [];
  return `  chain ${c.name} {\n${[...hook, ...c.rules].map((r) => `    ${r}\n`).join("")}  }\n`;
}

function* elementCommands(
  verb: string,
  target: string,
  entries: Iterable<[string, string]>,
): Generator<string> {
  let list: string[] = [];
  for (const [key, data] of entries) {
    list.push(data === "" ? key : `${key} : ${data}`);
    if (list.length < batch) continue;
    yield `${verb} element ${target} { ${list.join(", ")} }\n`;
    list = [];
  }
  if (list.length > 0) yield `${verb} element ${target} { ${list.join(", ")} }\n`;
}

function* printLayout({ family, table, sets, chains }: NftLayout): Generator<string> {
  yield `add table ${family} ${table}\ndelete table ${family} ${table}\ntable ${family} ${table} {\n`;
  for (const s of sets) yield printSet(s);
  for (const c of chains) yield printChain(c);
  yield "}\n";
}

function* printElements({ layout, elements }: NftTable): Generator<string> {
  for (const [set, own] of elements)
    yield* elementCommands("add", `${layout.family} ${layout.table} ${set}`, own.entries());
}

/** The whole table in pieces, replacing whatever table of that name there was, atomically. */
export function* printTable(t: NftTable): Generator<string> {
  yield* printLayout(t.layout);
  yield* printElements(t);
}

/** The table without elements and without the chains that packets enter it by, replacing whatever table of that name there was. */
export function printFrame(layout: NftLayout): Iterable<string> {
  return printLayout({ ...layout, chains: layout.chains.filter((c) => !c.hook) });
}

/** What `printFrame` leaves out: with it packets meet the table. */
export function printHooks({ family, table, chains }: NftLayout): string[] {
  return [`table ${family} ${table} {\n`, ...chains.filter((c) => c.hook).map(printChain), "}\n"];
}

/** A change to an existing table, a command a line: new chains, then element deletes, then element adds, then old chains. */
export function* printChange(c: NftChange): Generator<string> {
  const name = `${c.family} ${c.table}`;
  for (const chain of c.chains) {
    yield `add chain ${name} ${chain.name}\n`;
    for (const rule of chain.rules) yield `add rule ${name} ${chain.name} ${rule}\n`;
  }
  for (const [set, elements] of c.deletes)
    yield* elementCommands("delete", `${name} ${set}`, elements.entries());
  for (const [set, elements] of c.adds) yield* elementCommands("add", `${name} ${set}`, elements.entries());
  for (const chain of c.oldChains) yield `delete chain ${name} ${chain}\n`;
}
