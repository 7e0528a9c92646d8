// What libcni remembers of each pod's network outside of every cluster's own directories (/var/lib/cni/results; containerd
// 1.6 knows no other place). A pod that is unwired takes its files along; those of a cluster that was cut down stay, and
// are removed here. Their names: NETWORK-SANDBOX-INTERFACE, and one under `cni-loopback` for each sandbox.
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const resultsDir = "/var/lib/cni/results";

/** The files of a cluster's sandboxes among `names`. */
export function cniResultsOf(cluster: string, names: readonly string[]): string[] {
  const prefix = `portolan-${cluster}-node-`;
  const sandboxes = new Set<string>();
  const own = names.filter((name) => {
    const sandbox = name.startsWith(prefix) && /^\d+-([0-9a-f]{64})-/.exec(name.slice(prefix.length))?.[1];
    if (sandbox) sandboxes.add(sandbox);
    return Boolean(sandbox);
  });
  const loops = names.filter((name) =>
    sandboxes.has(/^cni-loopback-([0-9a-f]{64})-lo$/.exec(name)?.[1] ?? ""),
  );
  return [...own, ...loops];
}

export function removeCniResults(cluster: string): void {
  if (!existsSync(resultsDir)) return;
  const names = readdirSync(resultsDir);
  const ours = cniResultsOf(cluster, names);
  for (const name of ours) rmSync(join(resultsDir, name), { force: true });
  if (ours.length < names.length || ours.length === 0) return;
  // Empty again, as it was before there were pods; another cluster's pod may be quicker.
  for (const dir of [resultsDir, dirname(resultsDir)]) {
    try {
      rmdirSync(dir);
    } catch {
      return;
    }
  }
}
