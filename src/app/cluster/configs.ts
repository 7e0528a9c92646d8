// The configuration files of a cluster's processes, written from its plan.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  addressesAtOnce,
  needsAddressesAtOnce,
  renderAddressesAtOnce,
  renderCniConfig,
} from "../../core/cluster/cni-config.ts";
import type { NodeConfig, ServerConfig } from "../../core/cluster/config.ts";
import { renderContainerdConfig } from "../../core/cluster/containerd-config.ts";
import { parseIP, scopeOf } from "../../core/net/mod.ts";
import { bridgeName, clusterPaths, nodePaths, stateRoot } from "./paths.ts";
import { pkiFiles } from "./pki.ts";
import { apiHost, familyPlans, nodeUplink, type Plan } from "./plan.ts";

const zoneLabel = "topology.kubernetes.io/zone";

const capSysResource = 1n << 24n;

/** Effective capabilities of this process, as a bit set (capabilities(7)). */
export function capabilities(): bigint {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return BigInt(`0x${hex}`);
}

const cniBinDirs = ["/usr/lib/cni", "/opt/cni/bin"];

/** systemd-resolved's own list stands beside the one that names only its stub on loopback. */
const resolverFiles = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/**
 * Name servers of the machine that a pod's questions can be forwarded to: of the cluster's families, and not those on
 * loopback, which the node can't reach.
 */
export function upstreamNameServers(
  families: readonly (4 | 6)[],
  files: readonly string[] = resolverFiles,
): string[] {
  for (const file of files) {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
      .map((m) => m[1]!)
      .filter((a) => {
        const ip = parseIP(a);
        if (ip === undefined || !families.includes(ip.family)) return false;
        // Clouds answer on link-local addresses of IPv4, which are routed there; those of IPv6 are of one link.
        return scopeOf(ip) === "unicast" || (ip.family === 4 && scopeOf(ip) === "linkLocal");
      });
    if (servers.length > 0) return servers;
  }
  return [];
}

/** containerd looks for plugins in one directory: the machine's own are linked to from where ours is. */
function placePlugins(dir: string, systemPlugins: string): void {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  for (const name of ["ptp", "host-local", "loopback"])
    symlinkSync(join(systemPlugins, name), join(dir, name));
  writeFileSync(join(dir, addressesAtOnce), renderAddressesAtOnce(), { mode: 0o755 });
}

export function writeConfigs(plan: Plan): void {
  const { cluster, nodes, index } = plan;
  const families = familyPlans(plan);
  const { port } = cluster.apiServer;
  const paths = clusterPaths(cluster.name);
  const pki = pkiFiles(paths.pki);
  const server: ServerConfig = {
    cluster,
    dataDir: paths.store,
    listen: [apiHost(plan), ...families.map((f) => f.gateway)].map((host) => ({ host, port })),
    hostLink: bridgeName(index),
    pki: {
      caCert: pki.caCert,
      serving: pki.serving,
      kubeletClient: pki.kubeletClient,
      serviceAccount: pki.serviceAccount,
    },
  };
  writeFileSync(paths.serverConfig, JSON.stringify(server, null, 2));
  for (const node of nodes) {
    const at = nodePaths(cluster.name, node.name);
    for (const dir of [at.dir, at.run, at.cniConfDir, at.podLogDir, at.kubeletDir])
      mkdirSync(dir, { recursive: true });
    const config: NodeConfig = {
      cluster,
      nodeName: node.name,
      address: node.address,
      podCIDR: node.podCIDR,
      uplink: { link: "eth0", families: families.map((f) => nodeUplink(f, node.name)) },
      labels: node.zone === undefined ? {} : { [zoneLabel]: node.zone },
      ...(node.second ? { second: node.second } : {}),
      rootDir: at.kubeletDir,
      criSocket: at.criSocket,
      podLogDir: at.podLogDir,
      pki: { caCert: pki.caCert, client: pki.nodeClient(node.name), serving: pki.nodeServing(node.name) },
      dnsUpstreams: upstreamNameServers(families.map((f) => f.family)),
      kubeletPort: 10250,
    };
    writeFileSync(at.config, JSON.stringify(config, null, 2));
    const podCIDRs = [node.podCIDR, ...(node.second ? [node.second.podCIDR] : [])];
    const systemPlugins = cniBinDirs.find((d) => existsSync(join(d, "ptp"))) ?? cniBinDirs[0]!;
    if (needsAddressesAtOnce(podCIDRs)) placePlugins(at.cniBinDir, systemPlugins);
    writeFileSync(
      at.containerdConfig,
      renderContainerdConfig({
        root: at.containerdRoot,
        state: at.containerdState,
        socket: at.criSocket,
        cniBinDir: needsAddressesAtOnce(podCIDRs) ? at.cniBinDir : systemPlugins,
        cniConfDir: at.cniConfDir,
        sandboxImage: "portolan.local/pause:1",
        restrictOomScoreAdj: (capabilities() & capSysResource) === 0n,
      }),
    );
    const cni = { name: `portolan-${cluster.name}-${node.name}`, podCIDRs, mtu: 1500 };
    mkdirSync(at.cniConfDir, { recursive: true });
    writeFileSync(
      join(at.cniConfDir, "10-portolan.conflist"),
      renderCniConfig({ ...cni, dataDir: join(at.run, "cni") }),
    );
  }
}

export function readPlan(cluster: string): Plan | undefined {
  const file = clusterPaths(cluster).plan;
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Plan;
  } catch {
    return undefined;
  }
}

/** Names of every cluster that has left a directory on this machine. */
export function knownClusters(): string[] {
  const dir = join(stateRoot, "clusters");
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}
