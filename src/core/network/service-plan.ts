// The wanted content of the service table, kept up to date Service by Service: what one changed Service costs depends on
// that Service alone. Deterministic, no I/O; the caller applies the changes it hands out.
import { mustParseCIDR } from "../net/mod.ts";
import type { Elements, NftChain, NftChange, NftTable } from "../nft/mod.ts";
import type { Adopted } from "./adopt.ts";
import { createChangeRecord } from "./change-record.ts";
import { type Claim, type Claims, createClaims, type Recorder } from "./claims.ts";
import type { NodeFacts } from "./facts.ts";
import { createGroups, type Group, type Groups } from "./groups.ts";
import {
  type Balance,
  balanceChain,
  bits,
  chainsFor,
  classes,
  classShift,
  hex,
  maxClass,
  parseBalanceChain,
  serviceLayout,
} from "./layout.ts";
import { ownsAddress } from "./owned-address.ts";
import type { Frontend, GroupName, PortRouting, ServiceRouting } from "./routing.ts";
import { guardRanges } from "./source-ranges.ts";

export interface ServicePlan {
  readonly facts: NodeFacts;
  /** Replaces what is known of a Service; undefined removes it. */
  set(key: string, routing: ServiceRouting | undefined): void;
  get(key: string): ServiceRouting | undefined;
  /**
   * What changed since the last take, as one transaction. The first take has everything, but of a plan that adopted a table:
   * there it is empty and begins the record, the difference of `table()` to what is there being what was set before.
   */
  take(): NftChange;
  /** How many elements the next take will add. */
  readonly waiting: number;
  /** The whole wanted table. Does not touch what `take` will say. */
  table(): NftTable;
  services(): Iterable<ServiceRouting>;
}

interface Entry {
  routing: ServiceRouting;
  groups: Group[];
  claims: Claim[];
}

const sourceBits = { "keep-pods": 0, node: bits.masquerade, keep: bits.local } as const;

/**
 * A plan of that table for that node. With `adopted` (the table as it stands in the kernel) everything takes the numbers it
 * has there; compare `table()` with the listing when all Services are set.
 */
export function createServicePlan(facts: NodeFacts, tableName: string, adopted?: Adopted): ServicePlan {
  const { family } = facts;
  const serviceRanges = facts.serviceRanges.map(mustParseCIDR);
  const layout = serviceLayout(family, tableName);
  const entries = new Map<string, Entry>();
  const balances = new Map<string, { index: number; chains: NftChain[] }>();
  const changes = createChangeRecord();
  let newChains: NftChain[] = [];
  /** Not while a plan that adopted a table is filled: nobody asks for the differences of that. */
  let recording = adopted === undefined;

  const record: Recorder = (...change) => {
    if (recording) changes.record(...change);
  };
  const claims: Claims = createClaims(record);
  const groups: Groups = createGroups(record, adopted);

  function claimConstants(): void {
    const constants: [string, readonly string[]][] = [
      ["node-addresses", facts.nodeAddresses],
      ["local-addresses", facts.localAddresses],
      ["node-pods", facts.podRanges],
      ["service-ranges", facts.serviceRanges],
    ];
    for (const [set, keys] of constants) for (const key of keys) claims.add("", { set, key, data: "" });
    claims.add("", { set: "classes", key: hex(classes.reject << classShift), data: "goto refuse" });
    claims.add("", { set: "classes", key: hex(classes.drop << classShift), data: "drop" });
  }
  claimConstants();

  const usedClasses = new Set<number>([classes.reject, classes.drop]);
  let nextClass = 2;

  function newClass(wish: number | undefined): number {
    let index = wish;
    if (index === undefined || usedClasses.has(index)) {
      const taken = new Set(adopted?.classes.values());
      while (usedClasses.has(nextClass) || taken.has(nextClass)) nextClass++;
      index = nextClass;
    }
    if (index > maxClass) throw new RangeError(`more than ${maxClass} ways of balancing`);
    usedClasses.add(index);
    return index;
  }

  // The balance chains of an adopted table stay, used or not: there are few, and nothing leads to an unused one.
  for (const [name, index] of adopted?.classes ?? []) {
    const b = parseBalanceChain(name);
    if (b && name === balanceChain(b) && !usedClasses.has(index)) classOf(b);
  }

  /** The class of a way of balancing; makes its chains when it is new. Chains stay: there are few. */
  function classOf(b: Balance): number {
    const name = balanceChain(b);
    let known = balances.get(name);
    if (!known) {
      const chains = chainsFor(family, b).filter(
        (c) => ![...balances.values()].some((other) => other.chains.some((o) => o.name === c.name)),
      );
      known = { index: newClass(adopted?.classes.get(name)), chains };
      balances.set(name, known);
      newChains.push(...chains);
      claims.add("", { set: "classes", key: hex(known.index << classShift), data: `goto ${name}` });
    }
    return known.index;
  }

  function wordOf(frontend: Frontend, port: PortRouting, group: Group | undefined): number {
    const source = sourceBits[frontend.source];
    if (!group) return source | (classes[frontend.whenEmpty] << classShift);
    const balance = classOf({ endpoints: group.slots.length, affinity: port.affinitySeconds });
    return source | (balance << classShift) | group.id;
  }

  /** The elements that one frontend of a port claims. */
  function* elementsOf(
    frontend: Frontend,
    port: PortRouting,
    of: { cluster: Group | undefined; local: Group | undefined },
  ): Generator<Claim> {
    const { address } = frontend;
    const sourceRanges = guardRanges(frontend.sourceRanges, family);
    if (address !== undefined && facts.localAddresses.includes(address)) return;
    const key = `${port.protocol} . ${frontend.port}`;
    const [set, dialled] = address === undefined ? ["nodeports", key] : ["frontends", `${address} . ${key}`];
    const guard = sourceRanges ? bits.guarded : 0;
    const word = wordOf(frontend, port, of[frontend.group]) | guard;
    yield {
      set,
      key: dialled,
      data: hex(word),
      ...(sourceRanges
        ? { with: sourceRanges.map((r) => ({ set: "source-ranges", key: `${dialled} . ${r}`, data: "" })) }
        : {}),
    };
    if (frontend.source === "keep") {
      const inside: Frontend = { ...frontend, source: "keep-pods", group: "cluster", whenEmpty: "reject" };
      yield { set: `inside-${set}`, key: dialled, data: hex(wordOf(inside, port, of.cluster)) };
    }
    if (ownsAddress(frontend, serviceRanges)) yield { set: "cluster-ips", key: address!, data: "" };
  }

  /** The number that the group of a port has in the adopted table. */
  function adoptedGroup(from: Adopted, port: PortRouting, group: GroupName): number | undefined {
    for (const f of port.frontends) {
      const key = `${port.protocol} . ${f.port}`;
      const [set, dialled] =
        f.address === undefined ? ["nodeports", key] : ["frontends", `${f.address} . ${key}`];
      const inside = f.source === "keep" && group === "cluster";
      if (!inside && f.group !== group) continue;
      const id = from.groupOf(inside ? `inside-${set}` : set, dialled);
      if (id !== undefined) return id;
    }
    return undefined;
  }

  function set(key: string, routing: ServiceRouting | undefined): void {
    const old = entries.get(key);
    if (!routing) {
      if (!old) return;
      claims.replace(key, old.claims, []);
      for (const g of old.groups) groups.remove(g);
      entries.delete(key);
      return;
    }
    const wanted: Claim[] = [];
    const used: Group[] = [];
    for (const port of routing.ports) {
      const of = { cluster: undefined as Group | undefined, local: undefined as Group | undefined };
      for (const name of ["cluster", "local"] as const) {
        const endpoints = port.groups[name];
        const needed = port.frontends.some((f) => f.group === name || f.source === "keep");
        if (endpoints.length === 0 || !needed) continue;
        of[name] = groups.set(`${key}:${port.name}/${port.protocol}/${name}`, {
          endpoints: endpoints.map((e) => `${e.address} . ${e.port}`),
          sticky: port.affinitySeconds !== undefined,
          id: adopted && adoptedGroup(adopted, port, name),
        });
        used.push(of[name]);
        for (const e of endpoints)
          if (e.local) wanted.push({ set: "hairpin", key: `${e.address} . ${e.address}`, data: "" });
      }
      for (const f of port.frontends) wanted.push(...elementsOf(f, port, of));
    }
    claims.replace(key, old?.claims ?? [], wanted);
    for (const g of old?.groups ?? []) if (!used.includes(g)) groups.remove(g);
    entries.set(key, { routing, groups: used, claims: wanted });
  }

  function take(): NftChange {
    const chains = recording ? newChains : [];
    newChains = [];
    recording = true;
    return { family, table: tableName, chains, ...changes.take() };
  }

  function table(): NftTable {
    const elements = new Map<string, Elements>([...claims.elements(), ...groups.elements()]);
    const chains = [...layout.chains];
    for (const b of balances.values()) chains.push(...b.chains);
    return { layout: { ...layout, chains }, elements };
  }

  return {
    facts,
    set,
    get: (key) => entries.get(key)?.routing,
    take,
    get waiting() {
      return changes.added;
    },
    table,
    *services() {
      for (const e of entries.values()) yield e.routing;
    },
  };
}
