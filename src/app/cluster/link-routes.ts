// Address and routes by a cluster's own link, set where they are missing: what is right is left alone, so that looking again is
// quiet.
import type { UplinkFamily } from "../../core/cluster/config.ts";
import { ipBatch, ipJson } from "../../edge/netns/mod.ts";

export interface LinkRoute {
  /** CIDR text. */
  to: string;
  /** A router; undefined: whatever has an address of that range is on the link itself, and `from` is our address there. */
  via?: string;
  from?: string;
  /** Default: the main table. */
  table?: number;
  metric?: number;
}

interface Listed {
  dst: string;
  gateway?: string;
  table?: string;
}

/** The same range reads the same: `ip` writes "default", and a single address without its length. */
const named = (to: string): string =>
  /^(0\.0\.0\.0|::)\/0$/.test(to) ? "default" : to.replace(/\/(32|128)$/, "");

/** Sets those that are missing or lead elsewhere, in their order. */
export async function ensureRoutes(family: 4 | 6, link: string, wanted: readonly LinkRoute[]): Promise<void> {
  const listed = await ipJson<Listed[]>([`-${family}`, "route", "show", "table", "all", "dev", link]);
  const there = new Set(listed.map((r) => `${r.table ?? "main"} ${r.dst} ${r.gateway ?? ""}`));
  const missing = wanted.filter((r) => !there.has(`${r.table ?? "main"} ${named(r.to)} ${r.via ?? ""}`));
  const text = ({ to, via, from, table, metric }: LinkRoute): string =>
    [
      `route replace ${to} dev ${link}`,
      via === undefined ? `proto kernel ${family === 4 ? "scope link" : "metric 256"}` : `via ${via}`,
      ...(from === undefined || family === 6 ? [] : [`src ${from}`]),
      ...(table === undefined ? [] : [`table ${table}`]),
      ...(metric === undefined ? [] : [`metric ${metric}`]),
    ].join(" ");
  await ipBatch(missing.map(text));
}

interface ListedLink {
  flags: string[];
  addr_info: { local?: string }[];
}

/** The address on the link, and the routes. While the link is down nothing is done: somebody wants that. */
export async function ensureUplink(
  link: string,
  { family, address, range, routes }: UplinkFamily,
): Promise<void> {
  const [there] = await ipJson<ListedLink[]>(["address", "show", "dev", link]);
  if (!there?.flags.includes("UP")) return;
  if (!there.addr_info.some((a) => a.local === address)) {
    const prefix = range.slice(range.indexOf("/"));
    await ipBatch([`address replace ${address}${prefix} dev ${link}${family === 6 ? " nodad" : ""}`]);
  }
  await ensureRoutes(family, link, [{ to: range, from: address }, ...routes]);
}
