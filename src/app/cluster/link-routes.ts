// Routes of the host by a cluster's own link, set where they are missing: what is right is left alone, so that looking again
// is quiet.
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
