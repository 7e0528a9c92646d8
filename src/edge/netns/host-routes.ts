// The host's routes into a cluster, on the cluster's own link.
import type { HostRoute, HostRoutes } from "../../control/controllers/host-routes/mod.ts";
import { run } from "../command/mod.ts";
import { ipBatch, ipJson } from "./ip.ts";

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
      await ipBatch(set.map((r) => `route replace ${at(r)}`));
      // Each by itself: one that is gone already must not keep the others.
      for (const r of remove) await run("ip", ["route", "delete", ...at(r).split(" ")]).catch(() => "");
    },
  };
}
