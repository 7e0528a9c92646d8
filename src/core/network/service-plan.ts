// The wanted content of the service table, kept up to date Service by Service: what one changed Service costs depends on
// that Service alone. Deterministic, no I/O; the caller applies the changes it hands out.
import { mustParseCIDR } from "../net/mod.ts";
import type { Elements, NftChange, NftTable } from "../nft/mod.ts";
import type { Adopted } from "./adopt.ts";
import { createChangeRecord } from "./change-record.ts";
import { type Claim, type Claims, createClaims, type Recorder } from "./claims.ts";
import type { NodeFacts } from "./facts.ts";
import { createGroups, type Group, type Groups } from "./groups.ts";
import { bits, classes, classShift, hex, serviceLayout } from "./layout.ts";
import { ownsAddress } from "./owned-address.ts";
import type { Frontend, GroupName, PortRouting, ServiceRouting } from "./routing.ts";
import { guardRanges } from "./source-ranges.ts";
import { createWays, type Way, type WayLimits, type Ways } from "./ways.ts";

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
  /** Services that have ports for which the table has no group left: those are as without endpoints until it has. */
  readonly refused: ReadonlySet<string>;
}

/** Where the frontends of a port lead to. */
interface Target {
  readonly group: Group;
  readonly way: Way;
}
type Targets = { [G in GroupName]: Target | undefined };

interface Entry {
  routing: ServiceRouting;
  targets: Target[];
  claims: Claim[];
}

const sourceBits = { "keep-pods": 0, node: bits.masquerade, keep: bits.local } as const;

export interface PlanOptions {
  /** The table as it stands in the kernel: everything takes the numbers it has there. Compare `table()` with the listing when all Services are set. */
  adopted?: Adopted | undefined;
  /** For tests: what there is at the most. */
  limits?: WayLimits & { readonly groups: number };
}

/** A plan of that table for that node. */
export function createServicePlan(
  facts: NodeFacts,
  tableName: string,
  { adopted, limits }: PlanOptions = {},
): ServicePlan {
  const { family } = facts;
  const serviceRanges = facts.serviceRanges.map(mustParseCIDR);
  const layout = serviceLayout(family, tableName);
  const entries = new Map<string, Entry>();
  const changes = createChangeRecord();
  /** Not while a plan that adopted a table is filled: nobody asks for the differences of that. */
  let recording = adopted === undefined;

  const record: Recorder = (...change) => {
    if (recording) changes.record(...change);
  };
  const claims: Claims = createClaims(record);
  const groups: Groups = createGroups(record, adopted, limits?.groups);
  const ways: Ways = createWays(family, claims, { adopted: adopted?.ways, ...(limits ? { limits } : {}) });
  const refused = new Set<string>();

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
    claims.add("", { set: "classes", key: hex(classes.byGroup << classShift), data: "goto by-group" });
  }
  claimConstants();

  function wordOf(frontend: Frontend, target: Target | undefined): number {
    const source = sourceBits[frontend.source];
    if (!target) return source | (classes[frontend.whenEmpty] << classShift);
    return source | ((target.way.class ?? classes.byGroup) << classShift) | target.group.id;
  }

  /** The elements that one frontend of a port claims. */
  function* elementsOf(frontend: Frontend, port: PortRouting, of: Targets): Generator<Claim> {
    const { address } = frontend;
    const sourceRanges = guardRanges(frontend.sourceRanges, family);
    if (address !== undefined && facts.localAddresses.includes(address)) return;
    const key = `${port.protocol} . ${frontend.port}`;
    const [set, dialled] = address === undefined ? ["nodeports", key] : ["frontends", `${address} . ${key}`];
    const guard = sourceRanges ? bits.guarded : 0;
    const word = wordOf(frontend, of[frontend.group]) | guard;
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
      yield { set: `inside-${set}`, key: dialled, data: hex(wordOf(inside, of.cluster)) };
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

  /** Gives the endpoints of a port their group and its way; undefined when there is no group left. */
  function targetOf(key: string, port: PortRouting, name: GroupName): Target | undefined {
    const endpoints = port.groups[name];
    const group = groups.set(`${key}:${port.name}/${port.protocol}/${name}`, {
      endpoints: endpoints.map((e) => `${e.address} . ${e.port}`),
      sticky: port.affinitySeconds !== undefined,
      id: adopted && adoptedGroup(adopted, port, name),
    });
    return (
      group && { group, way: ways.use({ endpoints: group.slots.length, affinity: port.affinitySeconds }) }
    );
  }

  function release(old: Entry | undefined, used: readonly Target[]): void {
    for (const { group, way } of old?.targets ?? []) {
      ways.release(way);
      if (!used.some((t) => t.group === group)) groups.remove(group);
    }
  }

  function set(key: string, routing: ServiceRouting | undefined): void {
    const old = entries.get(key);
    refused.delete(key);
    if (!routing) {
      if (!old) return;
      claims.replace(key, old.claims, []);
      release(old, []);
      entries.delete(key);
      return;
    }
    const wanted: Claim[] = [];
    const used: Target[] = [];
    for (const port of routing.ports) {
      const of: Targets = { cluster: undefined, local: undefined };
      for (const name of ["cluster", "local"] as const) {
        const endpoints = port.groups[name];
        const needed = port.frontends.some((f) => f.group === name || f.source === "keep");
        if (endpoints.length === 0 || !needed) continue;
        const target = targetOf(key, port, name);
        if (!target) {
          refused.add(key);
          continue;
        }
        of[name] = target;
        used.push(target);
        if (target.way.class === undefined)
          wanted.push({ set: "ways", key: hex(target.group.id), data: `goto ${target.way.name}` });
        for (const e of endpoints)
          if (e.local) wanted.push({ set: "hairpin", key: `${e.address} . ${e.address}`, data: "" });
      }
      for (const f of port.frontends) wanted.push(...elementsOf(f, port, of));
    }
    claims.replace(key, old?.claims ?? [], wanted);
    release(old, used);
    entries.set(key, { routing, targets: used, claims: wanted });
  }

  /** Tries again what had no group, as long as there is one. */
  function retryRefused(): void {
    for (const key of [...refused]) {
      if (!groups.hasRoom) return;
      set(key, entries.get(key)!.routing);
    }
  }

  function take(): NftChange {
    retryRefused();
    if (!recording) ways.settle();
    const chains = recording ? ways.take() : { chains: [], oldChains: [] };
    recording = true;
    return { family, table: tableName, ...chains, ...changes.take() };
  }

  function table(): NftTable {
    const elements = new Map<string, Elements>([...claims.elements(), ...groups.elements()]);
    return { layout: { ...layout, chains: [...layout.chains, ...ways.chains()] }, elements };
  }

  return {
    facts,
    refused,
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
