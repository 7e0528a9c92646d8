// The host's routes into a cluster, on the cluster's own link.
import type { HostRoute, HostRouteChange, HostRoutes } from "../../control/controllers/host-routes/mod.ts";
import { run } from "../command/mod.ts";
import { ipJson } from "./ip.ts";

interface ListedRoute {
  dst: string;
  gateway?: string;
}

/** `ip` writes a single address without its length. */
const inFull = (dst: string): string => (dst.includes("/") ? dst : `${dst}/32`);

export function createHostRoutes(link: string): HostRoutes {
  return {
    async list() {
      const routes = await ipJson<ListedRoute[]>(["-4", "route", "show", "dev", link]);
      return routes.flatMap((r) =>
        r.gateway && r.dst !== "default" ? [{ to: inFull(r.dst), via: r.gateway }] : [],
      );
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
