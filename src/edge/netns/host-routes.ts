// The host's routes into a cluster, on the cluster's own link.
import type { HostRoute, HostRouteChange, HostRoutes } from "../../control/controllers/host-routes/mod.ts";
import { run } from "../command/mod.ts";
import { ipJson } from "./ip.ts";

interface ListedRoute {
  dst: string;
  gateway?: string;
}

/** `ip` writes a single address without its length. */
const inFull = (dst: string): string => (dst.includes("/") ? dst : `${dst}/${dst.includes(":") ? 128 : 32}`);

/** `families`: those of the cluster. */
export function createHostRoutes(link: string, families: readonly (4 | 6)[]): HostRoutes {
  return {
    async list() {
      const lists = await Promise.all(
        families.map((f) => ipJson<ListedRoute[]>([`-${f}`, "route", "show", "dev", link])),
      );
      return lists
        .flat()
        .flatMap((r) => (r.gateway && r.dst !== "default" ? [{ to: inFull(r.dst), via: r.gateway }] : []));
    },
    async change({ set, remove }) {
      const at = ({ to, via }: HostRoute): string => `${to} via ${via} dev ${link}`;
      // Each by itself: one that cannot be set must not keep the others.
      const set1 = (r: HostRouteChange): Promise<string> =>
        run("ip", ["route", r.was === undefined ? "add" : "replace", ...at(r).split(" ")]);
      const results = await Promise.allSettled(set.map(set1));
      for (const r of remove) await run("ip", ["route", "delete", ...at(r).split(" ")]).catch(() => "");
      const failed = results.find((r) => r.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
}
