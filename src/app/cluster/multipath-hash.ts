// The host spreads connections to a load balancer over its nodes by addresses and ports, not by addresses alone: else all of
// one client's would go to one node. A setting of the whole network namespace, so it is put back with the last cluster.
import { existsSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { knownClusters, readPlan } from "./configs.ts";
import { clusterPaths } from "./paths.ts";

const setting = (family: 4 | 6): string => `/proc/sys/net/ipv${family}/fib_multipath_hash_policy`;
/** Names the families whose setting is to be put back; gone after a reboot, as the setting is. */
const marker = (cluster: string): string => join(clusterPaths(cluster).run, "multipath-hash");

function readMarker(cluster: string): string[] {
  const file = marker(cluster);
  return existsSync(file) ? readFileSync(file, "utf8").split(" ").filter(Boolean) : [];
}

/** Leaves a policy alone that somebody has chosen. */
export function spreadByPort(cluster: string, families: readonly (4 | 6)[]): void {
  const mine = families.filter(
    (f) => existsSync(setting(f)) && readFileSync(setting(f), "utf8").trim() === "0",
  );
  if (mine.length === 0) return;
  writeFileSync(marker(cluster), [...new Set([...readMarker(cluster), ...mine])].join(" "));
  for (const f of mine) writeFileSync(setting(f), "1");
}

/** The last cluster of this network namespace puts the setting back; one before it hands the duty on. */
export function endSpreadByPort(cluster: string): void {
  const families = readMarker(cluster);
  if (families.length === 0) return;
  const netns = readPlan(cluster)?.netns;
  // Another network namespace has settings of its own.
  if (netns !== readlinkSync("/proc/self/ns/net")) return;
  const heir = knownClusters().find(
    (c) => c !== cluster && readPlan(c)?.netns === netns && existsSync(clusterPaths(c).run),
  );
  if (heir !== undefined) {
    writeFileSync(`${marker(cluster)}.new`, [...new Set([...readMarker(heir), ...families])].join(" "));
    renameSync(`${marker(cluster)}.new`, marker(heir));
  } else
    for (const f of families) {
      const file = setting(f === "6" ? 6 : 4);
      if (readFileSync(file, "utf8").trim() === "1") writeFileSync(file, "0");
    }
  rmSync(marker(cluster), { force: true });
}
