// Keeps what a cluster has on the host outside its own namespaces: the host's tables (docker, ufw and firewalld flush the whole
// ruleset when they start), the link's address, the routes to nodes and pods, and the rules and routes of entry nodes
// (systemd-networkd removes those that it does not know). The server runs it; the routes to service ranges are the host-routes
// controller's.
import type { NftTables } from "../../agents/proxy/mod.ts";
import { errorFields, type Log, pause } from "../../control/client/mod.ts";
import { routeEntries } from "./entry-nodes.ts";
import { forward, hasWayOut, renderHostTable } from "./host-table.ts";
import { ensureUplink } from "./link-routes.ts";
import { bridgeName, hostTableName } from "./paths.ts";
import { type FamilyPlan, familyPlans, type Plan } from "./plan.ts";

const lookEveryMs = 4000;

/** The bridge's address, the routes to nodes, to pods and those of entry nodes; what is right is left alone. */
export async function ensureHostRoutes(of: FamilyPlan, index: number, bridge: string): Promise<void> {
  const routes = of.nodes.map((n) => ({ to: n.podCIDR, via: n.address }));
  await ensureUplink(bridge, { family: of.family, address: of.gateway, range: of.ranges.nodeCIDR, routes });
  await routeEntries(of, index, bridge);
}

interface KeepHostOptions {
  /** Whether somebody may have changed routes or rules since it was last asked. */
  touched(): boolean;
  /** Of the host's network namespace. */
  nft: NftTables;
  log: Log;
}

/**
 * Puts one table right; knows what is right by how the kernel lists what was just loaded, unless somebody else changed the
 * ruleset meanwhile. `mark` is nft's before it looked.
 */
function createTableKeeper(
  of: FamilyPlan,
  plan: Plan,
  { nft, log }: KeepHostOptions,
): (mark: string | undefined) => Promise<void> {
  const family = of.family === 4 ? "ip" : "ip6";
  const table = hostTableName(plan.cluster.name);
  let right: { text: string; listed: string } | undefined;
  /** A way out that is missing for a moment takes nothing away. */
  let wayOut = false;

  async function list(): Promise<string> {
    const listing = await nft.list(family, table);
    wayOut ||= listing?.chains.has("postrouting") ?? false;
    if (!listing) return "";
    const elements = [...listing.elements].map(([set, of]) => [set, [...of].sort()]);
    return JSON.stringify([[...listing.chains], elements, listing.dormant]);
  }

  return async (mark) => {
    const before = await list();
    wayOut ||= await hasWayOut(of.family);
    const text = renderHostTable(of, plan, wayOut);
    if (right?.text === text && right.listed === before) return;
    if (right) log.warn({ table, family }, "the host's table was missing or changed; loading it again");
    await nft.apply([text]);
    if (wayOut) await forward(of.family);
    const listed = await list();
    right = (await nft.foreignMark()) === mark ? { text, listed } : undefined;
  };
}

/** Runs until the signal aborts; everything stays. */
export async function keepHost(plan: Plan, options: KeepHostOptions, signal: AbortSignal): Promise<void> {
  const { nft, log, touched } = options;
  const bridge = bridgeName(plan.index);
  const families = familyPlans(plan);
  const tables = families.map((f) => createTableKeeper(f, plan, options));
  let rightAt: string | undefined;
  let failed = false;
  // Whoever started the server has just made all of it.
  await pause(lookEveryMs, signal);
  while (!signal.aborted) {
    try {
      if (failed || touched()) for (const f of families) await ensureHostRoutes(f, plan.index, bridge);
      const mark = await nft.foreignMark();
      if (mark === undefined || mark !== rightAt) for (const putRight of tables) await putRight(mark);
      // What somebody does meanwhile is seen the next time.
      rightAt = mark;
      failed = false;
    } catch (error) {
      if (!failed) log.warn(errorFields(error), "the host's tables and routes could not be looked after");
      failed = true;
    }
    await pause(lookEveryMs, signal);
  }
  nft.close();
}
