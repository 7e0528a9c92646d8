// What the machine must offer before a cluster is made; each lack is named with the command that cures it.
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { run } from "../../edge/command/mod.ts";
import { capabilities } from "./configs.ts";

const programs = [
  { name: "containerd", package: "containerd" },
  { name: "runc", package: "runc" },
  { name: "nft", package: "nftables" },
  { name: "conntrack", package: "conntrack" },
  { name: "perl", package: "perl-base" },
  { name: "ip", package: "iproute2" },
  { name: "nsenter", package: "util-linux" },
];

const neededCapabilities = [
  { bit: 21n, name: "CAP_SYS_ADMIN", why: "mounts and namespaces" },
  { bit: 12n, name: "CAP_NET_ADMIN", why: "links, routes and nftables" },
];

function findProgram(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Every lack of this machine, each as one sentence with its cure; empty when a cluster can be made. */
export async function checkMachine(families: readonly (4 | 6)[]): Promise<string[]> {
  if (process.getuid?.() !== 0)
    return ["Portolan makes network namespaces and mounts, which needs root: run it with sudo"];
  const lacks: string[] = [];
  const have = capabilities();
  for (const c of neededCapabilities)
    if ((have & (1n << c.bit)) === 0n)
      lacks.push(
        `the capability ${c.name} is missing (${c.why}); in a container: --privileged or --cap-add ${c.name.slice(4)}`,
      );
  const missing = programs.filter((p) => !findProgram(p.name)).map((p) => p.package);
  if (missing.length > 0)
    lacks.push(`programs are missing: apt-get install --no-install-recommends ${missing.join(" ")}`);
  if (!existsSync("/usr/lib/cni/ptp") && !existsSync("/opt/cni/bin/ptp"))
    lacks.push(
      "the CNI plugins are missing: apt-get install --no-install-recommends containernetworking-plugins",
    );
  if (!/\boverlay\b/.test(readFileSync("/proc/filesystems", "utf8")))
    lacks.push("the kernel does not offer overlayfs: modprobe overlay");
  if (!/\bcgroup2?\b/.test(readFileSync("/proc/mounts", "utf8")))
    lacks.push("no cgroup hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup");
  if (missing.length === 0 && (have & (1n << 12n)) !== 0n)
    await run("nft", ["list", "tables"]).catch((e: Error) =>
      lacks.push(
        `the kernel's nf_tables does not answer (${e.message}): modprobe nf_tables nf_nat nf_conntrack`,
      ),
    );
  if (families.includes(6)) lacks.push(...lacksOfIPv6());
  return lacks;
}

const ipv6Sysctls = "/proc/sys/net/ipv6/conf";

/** Why there is no IPv6 on this machine, in this network namespace. */
function lacksOfIPv6(): string[] {
  if (!existsSync(ipv6Sysctls))
    return [
      "the kernel has no IPv6 (ipv6.disable=1 on its command line, or no ipv6 module), which --ip-family ipv6 and dual need: boot without it, or choose --ip-family ipv4",
    ];
  const off = ["all", "lo"].filter(
    (link) => readFileSync(`${ipv6Sysctls}/${link}/disable_ipv6`, "utf8").trim() !== "0",
  );
  return off.length === 0
    ? []
    : [
        `IPv6 is switched off on this machine, and --ip-family ipv6 and dual need it: sysctl -w ${off.map((link) => `net.ipv6.conf.${link}.disable_ipv6=0`).join(" ")}`,
      ];
}

/** Ports of a loopback address that something listens on already, out of those asked about. */
export async function portsInUse(ports: readonly number[], host: string): Promise<Set<number>> {
  const used = await Promise.all(
    ports.map(
      (port) =>
        new Promise<number | undefined>((resolve) => {
          const server = createServer();
          server.once("error", () => resolve(port));
          server.listen(port, host, () => server.close(() => resolve(undefined)));
        }),
    ),
  );
  return new Set(used.filter((p) => p !== undefined));
}
