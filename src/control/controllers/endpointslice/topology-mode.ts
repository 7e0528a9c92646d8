// Hints of the annotation service.kubernetes.io/topology-mode: Auto (KEP-2433): each zone is given endpoints in proportion to
// the CPUs of its ready nodes, if need be those of another zone; where that would overload somebody, nobody has hints.
import { quantityMilliValue } from "../../../core/api/quantity/mod.ts";
import type { Endpoint, Node, Service } from "../../../core/api/types.ts";
import { zoneLabel } from "./pod-endpoint.ts";
import type { Slice } from "./slice-draft.ts";

/** How much more than its share an endpoint may get. */
const overload = 0.2;
const kept = 1 / (1 + overload);

/** Each zone's part of the CPUs, all together 1. */
export type ZoneShares = ReadonlyMap<string, number>;

export function isTopologyAuto({ metadata: { annotations = {} } }: Service): boolean {
  const mode =
    annotations["service.kubernetes.io/topology-aware-hints"] ??
    annotations["service.kubernetes.io/topology-mode"];
  return mode === "Auto" || mode === "auto";
}

/** Undefined where a ready node has no zone or no CPUs, or all are in one zone. */
export function zoneShares(nodes: readonly Node[]): ZoneShares | undefined {
  const cpus = new Map<string, number>();
  let total = 0;
  for (const { metadata, status } of nodes) {
    const labels = metadata.labels ?? {};
    if ("node-role.kubernetes.io/control-plane" in labels || "node-role.kubernetes.io/master" in labels)
      continue;
    if (!status?.conditions?.some((c) => c.type === "Ready" && c.status === "True")) continue;
    const zone = labels[zoneLabel];
    const milli = quantityMilliValue(status.allocatable?.cpu ?? "0");
    if (!zone || milli === 0) return undefined;
    cpus.set(zone, (cpus.get(zone) ?? 0) + milli);
    total += milli;
  }
  if (cpus.size < 2) return undefined;
  return new Map([...cpus].map(([zone, milli]) => [zone, milli / total]));
}

interface Allotment {
  most: number;
  wanted: number;
}

/** How many endpoints each zone is to have; a text where there are none to share out fairly. */
function allot(count: number, shares: ZoneShares | undefined): Map<string, Allotment> | string {
  if (!shares)
    return "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
  const counts = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return `Insufficient number of endpoints ${counts}`;
  const least = new Map([...shares].map(([zone, share]) => [zone, Math.ceil(share * count * kept)]));
  const spare = count - [...least.values()].reduce((a, b) => a + b, 0);
  if (spare < 0)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counts}`;
  return new Map(
    [...shares].map(([zone, share]) => {
      const min = least.get(zone)!;
      return [zone, { most: min + spare, wanted: Math.max(share * count, min) }];
    }),
  );
}

const isReady = (e: Endpoint): boolean => e.conditions?.ready === true;

/** The hints of a slice by zone; undefined where they do not fit what is allotted. */
function hintsOf(slice: Slice, given: Map<string, number>, allotted: Map<string, Allotment>) {
  const found = new Map<string, number>();
  for (const e of slice.endpoints.filter(isReady)) {
    const zones = e.hints?.forZones ?? [];
    if (zones.length === 0) return undefined;
    for (const { name } of zones) found.set(name, (found.get(name) ?? 0) + 1);
  }
  for (const [zone, n] of found)
    if (n + (given.get(zone) ?? 0) > (allotted.get(zone)?.most ?? -1)) return undefined;
  return found;
}

/** The zone that has most left over 0; the first by name of several. */
const fullest = (zones: Map<string, number>): [string, number] =>
  [...zones].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0] ?? ["", 0];

/** How many endpoints each zone with too many gives away, and each with too few takes. */
function exchanges(given: Map<string, number>, allotted: Map<string, Allotment>) {
  const over = new Map<string, number>();
  const under = new Map<string, number>();
  for (const [zone, { wanted }] of allotted) {
    const difference = (given.get(zone) ?? 0) - wanted;
    if (difference > 0) over.set(zone, difference);
    else if (difference < 0) under.set(zone, -difference);
  }
  const giving = new Map<string, number>();
  const taking: string[] = [];
  for (;;) {
    const [from, much] = fullest(over);
    const [to, need] = fullest(under);
    if ((much < 1 && need < 1) || much < 0.5 || need < 0.5) return { giving, taking };
    over.set(from, much - 1);
    under.set(to, need - 1);
    giving.set(from, (giving.get(from) ?? 0) + 1);
    taking.push(to);
  }
}

export type Hinted = { slices: Map<Slice, Endpoint[]> } | { refused: string };

/**
 * New endpoints for the slices whose hints have to be made: all of `written`, and those of `unchanged` that do not fit.
 * `refused` says why nobody has hints.
 */
export function hintByShares(
  written: readonly Slice[],
  unchanged: readonly Slice[],
  shares: ZoneShares | undefined,
): Hinted {
  const count = [...written, ...unchanged].flatMap((s) => s.endpoints.filter(isReady)).length;
  const allotted = allot(count, shares);
  if (typeof allotted === "string") return { refused: allotted };
  const given = new Map<string, number>();
  const open = [...written];
  for (const slice of unchanged) {
    const hints = hintsOf(slice, given, allotted);
    if (!hints) open.push(slice);
    else for (const [zone, n] of hints) given.set(zone, (given.get(zone) ?? 0) + n);
  }
  for (const e of open.flatMap((s) => s.endpoints.filter(isReady))) {
    if (!e.zone) return { refused: "One or more endpoints do not have a zone specified" };
    given.set(e.zone, (given.get(e.zone) ?? 0) + 1);
  }
  if (given.size === 0) return { refused: "No hints allocated for zones" };
  const { giving, taking } = exchanges(given, allotted);
  const hinted = ({ hints: _, ...e }: Endpoint): Endpoint => {
    if (!isReady(e)) return e;
    const left = giving.get(e.zone!) ?? 0;
    const other = left > 0 ? taking.shift() : undefined;
    if (other !== undefined) giving.set(e.zone!, left - 1);
    return { ...e, hints: { forZones: [{ name: other ?? e.zone! }] } };
  };
  return { slices: new Map(open.map((s) => [s, s.endpoints.map(hinted)])) };
}
