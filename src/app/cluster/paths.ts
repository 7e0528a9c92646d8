// Where a cluster keeps its things on the machine, and what its kernel objects are called. Everything carries the cluster's
// name, so that `down` finds it whatever happened in between.
import { join, resolve } from "node:path";

/** The roots that an environment asks for. */
export const rootsOf = (env: Readonly<Record<string, string | undefined>>) => ({
  /** Of what must survive a reboot. */
  state: resolve(env.PORTOLAN_STATE_DIR ?? "/var/lib/portolan"),
  /** Of what need not. */
  run: resolve(env.PORTOLAN_RUN_DIR ?? "/run/portolan"),
});

export const { state: stateRoot, run: runRoot } = rootsOf(process.env);

export interface ClusterPaths {
  dir: string;
  run: string;
  /** The plan: written before anything is made. */
  plan: string;
  pki: string;
  kubeconfig: string;
  logs: string;
  serverConfig: string;
  store: string;
}

export function clusterPaths(name: string): ClusterPaths {
  const dir = join(stateRoot, "clusters", name);
  return {
    dir,
    run: join(runRoot, name),
    plan: join(dir, "plan.json"),
    pki: join(dir, "pki"),
    kubeconfig: join(dir, "kubeconfig"),
    logs: join(dir, "logs"),
    serverConfig: join(dir, "server.json"),
    store: join(dir, "store"),
  };
}

export interface NodePaths {
  dir: string;
  run: string;
  config: string;
  containerdConfig: string;
  containerdRoot: string;
  containerdState: string;
  criSocket: string;
  cniConfDir: string;
  /** Plugins, where the machine's own are not enough. */
  cniBinDir: string;
  podLogDir: string;
  kubeletDir: string;
}

export function nodePaths(cluster: string, node: string): NodePaths {
  const dir = join(clusterPaths(cluster).dir, "nodes", node);
  const run = join(clusterPaths(cluster).run, node);
  return {
    dir,
    run,
    config: join(dir, "node.json"),
    containerdConfig: join(dir, "containerd.toml"),
    containerdRoot: join(dir, "containerd"),
    containerdState: join(run, "containerd"),
    criSocket: join(run, "containerd.sock"),
    cniConfDir: join(dir, "cni"),
    cniBinDir: join(dir, "cni-bin"),
    podLogDir: join(dir, "pod-logs"),
    kubeletDir: join(dir, "kubelet"),
  };
}

/** Interface names hold 15 characters: the cluster is told by its number in the plan. */
export const bridgeName = (index: number): string => `ptl${index}`;
export const nodeLinkName = (index: number, node: number): string => `ptl${index}n${node}`;
export const netnsName = (cluster: string, node: string): string => `portolan-${cluster}-${node}`;
export const hostTableName = (cluster: string): string => `portolan-${cluster}`;
/** Below the root of every cgroup hierarchy. */
export const cgroupName = (cluster: string): string => `portolan-${cluster}`;
/** Environment variable that marks every process of a cluster. */
export const clusterMark = "PORTOLAN_CLUSTER";
