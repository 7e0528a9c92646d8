// The host's routes into a cluster, on the cluster's own link.
import type { HostRoute, HostRouteChange, HostRoutes } from "../../control/controllers/host-routes/mod.ts";
import { run } from "../command/mod.ts";
import { ipJson } from "./ip.ts";
import { probeNode } from "./node-probe.ts";

/** The upper half of the marks whose rules lead to a node's own table (app/cluster/entry-nodes.ts). */
const entryMark = 0x504c;

interface ListedRoute {
  type?: string;
  dst: string;
  gateway?: string;
  dev?: string;
  nexthops?: { gateway?: string; dev?: string }[];
}

/** `ip` writes a single address without its length. */
const inFull = (dst: string): string => (dst.includes("/") ? dst : `${dst}/${dst.includes(":") ? 128 : 32}`);

/** Sends what entered by a dead node on to the next table, so that it takes the way of everything new. */
const detour = "throw default metric 1";

async function keepFamily(link: string, family: string, living: readonly string[]): Promise<void> {
  const rules = await ipJson<{ fwmark?: string; table?: string | number }[]>([family, "rule", "show"]);
  const tables = rules.filter((r) => Number(r.fwmark ?? 0) >>> 16 === entryMark).map((r) => `${r.table}`);
  for (const table of tables) {
    const routes = await ipJson<ListedRoute[]>([family, "route", "show", "table", table]);
    const gateway = routes.find((r) => r.gateway && r.dev === link)?.gateway;
    // Another cluster's.
    if (gateway === undefined) continue;
    const open = !routes.some((r) => r.type === "throw");
    const wanted = living.includes(gateway);
    if (open !== wanted)
      await run("ip", [family, "route", wanted ? "delete" : "add", ...detour.split(" "), "table", table]);
  }
}

/** The gateways of a route on that link; none where it leads over another as well. */
function gatewaysOn(link: string, { dst, gateway, dev, nexthops }: ListedRoute): string[] {
  if (dst === "default") return [];
  const hops = nexthops ?? [{ gateway, dev }];
  const gateways = hops.flatMap((h) => (h.dev === link && h.gateway ? [h.gateway] : []));
  return gateways.length === hops.length ? gateways.sort() : [];
}

/**
 * @param families those of the cluster
 * @param touched whether somebody may have changed routes since it was last asked
 */
export function createHostRoutes(
  link: string,
  families: readonly (4 | 6)[],
  touched: () => boolean,
): HostRoutes {
  return {
    touched,
    async list() {
      const lists = await Promise.all(
        // Not by the link: a route over several gateways is not listed with it.
        families.map((f) => ipJson<ListedRoute[]>([`-${f}`, "route", "show"])),
      );
      return lists.flat().flatMap((r) => {
        const via = gatewaysOn(link, r);
        return via.length > 0 ? [{ to: inFull(r.dst), via }] : [];
      });
    },
    async change({ set, remove }) {
      const at = ({ to, via }: HostRoute): string =>
        via.length === 1
          ? `${to} via ${via[0]} dev ${link}`
          : `${to} ${via.map((v) => `nexthop via ${v} dev ${link}`).join(" ")}`;
      // Each by itself: one that cannot be set must not keep the others.
      const set1 = (r: HostRouteChange): Promise<string> =>
        run("ip", ["route", r.was === undefined ? "add" : "replace", ...at(r).split(" ")]);
      const results = await Promise.allSettled(set.map(set1));
      for (const r of remove) await run("ip", ["route", "delete", ...at(r).split(" ")]).catch(() => "");
      const failed = results.find((r) => r.status === "rejected");
      if (failed) throw failed.reason;
    },
    probe: (address) => probeNode(address),
    async keepEntries(living) {
      for (const family of families) await keepFamily(link, `-${family}`, living);
    },
  };
}
