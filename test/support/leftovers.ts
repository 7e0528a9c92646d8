// What a cluster may leave on a machine, as text lines: compared before and after, nothing may be added.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findProcesses } from "../../src/app/cluster/processes.ts";

const lines = (command: string, args: string[]): string[] =>
  (spawnSync(command, args, { encoding: "utf8" }).stdout ?? "").split("\n").filter(Boolean);

function cgroups(): string[] {
  const root = "/sys/fs/cgroup";
  if (!existsSync(root)) return [];
  const roots = [
    root,
    ...readdirSync(root, { withFileTypes: true })
      .filter((e) => e.isDirectory())
      .map((e) => join(root, e.name)),
  ];
  return roots.flatMap((r) =>
    readdirSync(r)
      .filter((n) => n.includes("portolan"))
      .map((n) => join(r, n)),
  );
}

/** Namespaces, links, routes, nft tables, mounts, control groups, processes and directories that belong to a cluster. */
export function leftovers(cluster: string, dirs: readonly string[] = []): string[] {
  const mine = (text: string): boolean =>
    text.includes(`portolan-${cluster}`) || dirs.some((d) => text.includes(d));
  return [
    ...lines("ip", ["netns", "list"])
      .filter(mine)
      .map((l) => `netns ${l}`),
    ...lines("ip", ["-o", "link", "show"])
      .filter((l) => /: ptl\d+/.test(l))
      .map((l) => `link ${l}`),
    ...["-4", "-6"]
      .flatMap((family) => lines("ip", [family, "route", "show", "table", "all"]))
      .filter((l) => /dev ptl\d+/.test(l))
      .map((l) => `route ${l}`),
    ...lines("ip", ["rule", "show"])
      .filter((l) => l.includes("fwmark 0x504c"))
      .map((l) => `rule ${l}`),
    ...lines("nft", ["list", "tables"])
      .filter(mine)
      .map((l) => `nft ${l}`),
    ...readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter(mine)
      .map((l) => `mount ${l}`),
    ...cgroups()
      .filter(mine)
      .map((l) => `cgroup ${l}`),
    ...findProcesses(cluster).map((p) => `process ${p.pid} ${p.role}`),
  ];
}
