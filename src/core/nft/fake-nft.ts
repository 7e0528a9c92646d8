// An honest stand-in for nft and the kernel: runs the scripts that print.ts makes with nft's own refusals (a missing element
// deleted, an element added twice with other data, a jump to nowhere), all or nothing, and keeps the tables for walking.
import { listedLines } from "./diff.ts";
import type { Elements, NftChain, NftTable } from "./objects.ts";
import type { NftListing } from "./parse-listing.ts";

export interface FakeChain {
  readonly name: string;
  hook: NftChain["hook"] | undefined;
  rules: string[];
}

export interface FakeTable {
  chains: Map<string, FakeChain>;
  /** By set or map name. */
  elements: Map<string, Map<string, string>>;
}

export interface FakeNft {
  /** Runs a script; throws with words like nft's and changes nothing when any command is refused. */
  run(script: string): void;
  /** By `family name`. */
  readonly tables: ReadonlyMap<string, FakeTable>;
  /** What listing that table (`family name`) would show; undefined when it is not there. */
  list(table: string): NftListing | undefined;
}

const copy = (t: FakeTable): FakeTable => ({
  chains: new Map([...t.chains].map(([n, c]) => [n, { ...c, rules: [...c.rules] }])),
  elements: new Map([...t.elements].map(([n, e]) => [n, new Map(e)])),
});

function readHook(line: string): NftChain["hook"] | undefined {
  const m = /^type (nat|filter) hook (\w+) priority (-?\d+); policy accept;$/.exec(line);
  if (!m) return undefined;
  return { type: m[1], hook: m[2], priority: Number(m[3]) } as NftChain["hook"];
}

/** Every chain and set that a rule names. */
function* namesIn(rule: string): Generator<{ kind: "chain" | "set"; name: string }> {
  for (const m of rule.matchAll(/\b(?:goto|jump) (\S+)/g)) yield { kind: "chain", name: m[1]! };
  for (const m of rule.matchAll(/@(\S+)/g)) yield { kind: "set", name: m[1]! };
}

class Refusal extends Error {}

/** How many rules and elements lead to each chain. */
function countUses(t: FakeTable): Map<string, number> {
  const uses = new Map<string, number>();
  const count = (name: string): unknown => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const c of t.chains.values())
    for (const rule of c.rules) for (const n of namesIn(rule)) if (n.kind === "chain") count(n.name);
  for (const elements of t.elements.values())
    for (const data of elements.values()) {
      const target = /^(?:goto|jump) (\S+)$/.exec(data)?.[1];
      if (target) count(target);
    }
  return uses;
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined)
    throw new Refusal(`Error: Could not process rule: No such file or directory: ${what}`);
  return value;
}

function addElements(t: FakeTable, set: string, body: string, verb: string): void {
  const elements = need(t.elements.get(set), `set ${set}`);
  for (const item of body.split(",")) {
    const text = item.trim();
    const colon = text.indexOf(" : ");
    const [key, data] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 3)];
    const old = elements.get(key);
    if (verb === "delete") {
      if (old === undefined || old !== data)
        throw new Refusal(`Error: Could not process rule: No such file or directory: ${set} { ${text} }`);
      elements.delete(key);
    } else {
      if (old !== undefined && old !== data)
        throw new Refusal(`Error: Could not process rule: File exists: ${set} { ${text} }`);
      const target = /^(?:goto|jump) (\S+)$/.exec(data)?.[1];
      if (target) need(t.chains.get(target), `chain ${target}`);
      elements.set(key, data);
    }
  }
}

/** The lines of a `table … { }` block up to its end; returns the index after it. */
function readBlock(t: FakeTable, lines: readonly string[], from: number): number {
  let chain: FakeChain | undefined;
  let open = false;
  for (let i = from; i < lines.length; i++) {
    const line = lines[i]!.trim();
    const head = /^(set|map|chain) (\S+) \{$/.exec(line);
    if (head) {
      open = true;
      chain = undefined;
      if (head[1] === "chain") {
        chain = t.chains.get(head[2]!) ?? { name: head[2]!, hook: undefined, rules: [] };
        t.chains.set(chain.name, chain);
      } else if (!t.elements.has(head[2]!)) t.elements.set(head[2]!, new Map());
    } else if (line === "}") {
      if (!open) return i + 1;
      open = false;
    } else if (chain && line !== "") {
      const hook = readHook(line);
      if (hook) chain.hook = hook;
      else chain.rules.push(line);
    }
  }
  throw new Refusal("Error: syntax error, unexpected end of file");
}

export function createFakeNft(): FakeNft {
  let tables = new Map<string, FakeTable>();
  /** While chains are deleted one after the other. */
  let uses: Map<string, number> | undefined;

  function command(line: string): void {
    const [verb, what, family, name, ...rest] = line.split(" ");
    const key = `${family} ${name}`;
    if (verb !== "delete" || what !== "chain") uses = undefined;
    if (verb === "add" && what === "table") {
      if (!tables.has(key)) tables.set(key, { chains: new Map(), elements: new Map() });
    } else if (verb === "delete" && what === "table") {
      need(tables.get(key), `table ${key}`);
      tables.delete(key);
    } else if (verb === "add" && what === "chain") {
      const { chains } = need(tables.get(key), `table ${key}`);
      if (!chains.has(rest[0]!)) chains.set(rest[0]!, { name: rest[0]!, hook: undefined, rules: [] });
    } else if (verb === "delete" && what === "chain") {
      const t = need(tables.get(key), `table ${key}`);
      need(t.chains.get(rest[0]!), `chain ${rest[0]}`);
      uses ??= countUses(t);
      if (uses.get(rest[0]!))
        throw new Refusal(`Error: Could not process rule: Device or resource busy: chain ${rest[0]}`);
      for (const rule of t.chains.get(rest[0]!)!.rules)
        for (const n of namesIn(rule)) uses.set(n.name, (uses.get(n.name) ?? 0) - 1);
      t.chains.delete(rest[0]!);
    } else if (verb === "add" && what === "rule") {
      const chain = need(need(tables.get(key), `table ${key}`).chains.get(rest[0]!), `chain ${rest[0]}`);
      chain.rules.push(rest.slice(1).join(" "));
    } else if ((verb === "add" || verb === "delete") && what === "element") {
      const m = /^(\S+) \{ (.*) \}$/.exec(rest.join(" "));
      if (!m) throw new Refusal(`Error: syntax error: ${line}`);
      addElements(need(tables.get(key), `table ${key}`), m[1]!, m[2]!, verb);
    } else throw new Refusal(`Error: syntax error: ${line}`);
  }

  function check(): void {
    for (const t of tables.values())
      for (const c of t.chains.values())
        for (const rule of c.rules)
          for (const { kind, name } of namesIn(rule))
            need(kind === "chain" ? t.chains.get(name) : t.elements.get(name), `${kind} ${name}`);
  }

  return {
    get tables() {
      return tables;
    },
    list(name) {
      const t = tables.get(name);
      if (!t) return undefined;
      const { chains, elements } = copy(t);
      return { chains: new Map([...chains].map(([n, c]) => [n, listedLines(c)])), elements, dormant: false };
    },
    run(script) {
      uses = undefined;
      const before = tables;
      tables = new Map([...tables].map(([name, t]) => [name, copy(t)]));
      try {
        const lines = script.split("\n");
        for (let i = 0; i < lines.length; ) {
          const block = /^table (\S+ \S+) \{$/.exec(lines[i]!);
          if (block) {
            const t = tables.get(block[1]!) ?? { chains: new Map(), elements: new Map() };
            tables.set(block[1]!, t);
            i = readBlock(t, lines, i + 1);
          } else {
            if (lines[i]!.trim() !== "") command(lines[i]!.trim());
            i++;
          }
        }
        check();
      } catch (error) {
        tables = before;
        throw error;
      }
    },
  };
}

/** A plan's table as the fake would hold it, without a script in between. */
export function fakeTable(table: NftTable): FakeTable {
  const elements = new Map<string, Map<string, string>>();
  for (const s of table.layout.sets) elements.set(s.name, new Map(table.elements.get(s.name) as Elements));
  return {
    chains: new Map(
      table.layout.chains.map((c) => [c.name, { name: c.name, hook: c.hook, rules: [...c.rules] }]),
    ),
    elements,
  };
}
